;;; octet-test.el --- editors/emacs/octet.el with octet itself  -*- lexical-binding: t -*-

;;; Commentary:
;;   emacs --batch -l tests/editors/emacs/octet-test.el -f ert-run-tests-batch-and-exit
;;
;; OCTET_BIN names the binary.  Keys are pressed: they go through Emacs's command loop.

;;; Code:

(require 'ert)
(require 'ert-x)
(load (expand-file-name "../../../editors/emacs/octet" (file-name-directory load-file-name)))

(defconst octet-test-readme (expand-file-name "../../../editors/README.md" (file-name-directory load-file-name)))

(setq octet-command (list (or (getenv "OCTET_BIN") (error "OCTET_BIN names the octet binary to test")) "lsp" "--stdio")
      make-backup-files nil
      create-lockfiles nil
      vc-handled-backends nil)

(defconst octet-test-circle "class Circle:
    def __init__(self, radius):
        self.radius = radius

    def area(self):
        return 3.14 * self."
  "At its end there is always something to offer.")

(defun octet-test-visit (name text body)
  "Call BODY in a buffer of a new file NAME with TEXT, at its end, with a server of its own."
  (let* ((folder (make-temp-file "octet-emacs-" t)) (project (expand-file-name "project" folder)))
    (make-directory project) ; the model sees the folder's name: not a random one
    (write-region text nil (expand-file-name name project) nil 'silent)
    (unwind-protect
        (with-current-buffer (find-file-noselect (expand-file-name name project))
          (switch-to-buffer (current-buffer))
          (buffer-enable-undo)
          (goto-char (point-max))
          (unwind-protect (funcall body)
            (set-buffer-modified-p nil)
            (kill-buffer)))
      (when octet--server (delete-process (jsonrpc--process octet--server)))
      (setq octet--server nil)
      (delete-directory folder t))))

(defun octet-test-press (keys)
  (execute-kbd-macro (kbd keys)))

(defun octet-test-ghost ()
  "What the screen shows behind point beside the text."
  (let ((overlays (seq-filter (lambda (overlay) (overlay-get overlay 'octet)) (overlays-in (point-min) (point-max)))))
    (should (<= (length overlays) 1))
    (and overlays (substring-no-properties (overlay-get (car overlays) 'after-string)))))

(defun octet-test-suggest ()
  (octet-suggest)
  (let ((ghost (octet-test-ghost)))
    (should (> (length ghost) 0))
    ghost))

(ert-deftest octet-test-characters ()
  "Behind characters of several units an item still begins with the word that stands there."
  (octet-test-visit "circle.py" (concat octet-test-circle "radius + len('漢😀👍') * self.rad")
    (lambda ()
      (octet-test-suggest)
      (let* ((item (overlay-get octet--overlay 'octet))
             (n-typed (- (length (plist-get item :insertText)) (length (octet-test-ghost)))))
        (should (equal (substring (plist-get item :insertText) 0 n-typed) "rad"))))))

(ert-deftest octet-test-take ()
  "TAB takes the suggestion, and one undo takes it back."
  (octet-test-visit "circle.py" octet-test-circle
    (lambda ()
      (global-set-key (kbd "C-c o") #'octet-suggest)
      (octet-test-press "C-c o")
      (let ((ghost (octet-test-ghost)))
        (should (> (length ghost) 0))
        (should (equal (buffer-string) octet-test-circle))
        (octet-test-press "TAB")
        (should (equal (buffer-string) (concat octet-test-circle ghost)))
        (should-not (octet-test-ghost))
        (octet-test-press "C-/")
        (should (equal (buffer-string) octet-test-circle))))))

(ert-deftest octet-test-other-key ()
  "Another key does what it does, and hides the suggestion; TAB is a TAB again."
  (octet-test-visit "circle.py" octet-test-circle
    (lambda ()
      (octet-test-suggest)
      (octet-test-press "x")
      (should-not (octet-test-ghost))
      (should (equal (buffer-string) (concat octet-test-circle "x")))
      (should-not (eq (key-binding (kbd "TAB")) #'octet-take)))))

(ert-deftest octet-test-word ()
  "Its words are taken one by one, and none is there twice."
  (octet-test-visit "circle.py" octet-test-circle
    (lambda ()
      (let* ((ghost (octet-test-suggest)) (word (progn (string-match "\\`\\w+" ghost) (match-string 0 ghost))))
        (octet-test-press "M-f")
        (should (equal (buffer-string) (concat octet-test-circle word)))))))

(ert-deftest octet-test-edits ()
  "The server knows the text of now: a new one, which gets all of it at once, offers the same."
  (octet-test-visit "circle.py" octet-test-circle
    (lambda ()
      (octet-test-suggest)
      (octet-test-press "C-e")
      (save-excursion (goto-char (point-min)) (insert "# 😀 " (make-string 20 ?x) "\n"))
      (insert "radius * '漢😀' * self.")
      (let ((ghost (octet-test-suggest)) (before (buffer-string)))
        (octet-test-press "C-e")
        (should-not (octet-test-ghost))
        (let ((process (jsonrpc--process octet--server)))
          (delete-process process)
          (let ((fresh (octet-test-suggest)))
            (should-not (eq process (jsonrpc--process octet--server)))
            ;; One of them may be shorter: the time for decoding is limited.
            (should (or (string-prefix-p ghost fresh) (string-prefix-p fresh ghost)))
            (octet-test-press "TAB")
            (should (equal (buffer-string) (concat before fresh)))))))))

(ert-deftest octet-test-name ()
  "A file that gets another name is completed under that name, and only there."
  (octet-test-visit "circle.txt" octet-test-circle
    (lambda ()
      (octet-test-suggest)
      (octet-test-press "C-e")
      (let ((old (octet--document)))
        (write-file (expand-file-name "circle.py" (file-name-directory buffer-file-name)))
        (goto-char (point-max))
        (octet-test-suggest)
        (should-error (jsonrpc-request octet--server :textDocument/inlineCompletion
                                       (list :textDocument old :position '(:line 0 :character 0) :context '(:triggerKind 1)))
                      :type 'jsonrpc-error)))))

(ert-deftest octet-test-silence ()
  "Why there is nothing is said, in a file that is left out and in a buffer without a file."
  (octet-test-visit ".env" "PASSWORD="
    (lambda ()
      (ert-with-message-capture told
        (octet-suggest)
        (should-not (octet-test-ghost))
        (should (string-match-p "^octet: .*secret" told)))))
  (with-temp-buffer (should-error (octet-suggest) :type 'user-error)))

(ert-deftest octet-test-range ()
  "What an item replaces behind point is not seen twice, and not there twice."
  (with-temp-buffer
    (insert "é\n漢(a); g")
    (backward-char 4)
    (octet--show '(:range (:start (:line 1 :character 2) :end (:line 1 :character 4)) :insertText "abc)"))
    (should (equal (octet-test-ghost) "bc)"))
    (should (equal (overlay-get octet--overlay 'display) ""))
    (should (equal (buffer-substring (overlay-start octet--overlay) (overlay-end octet--overlay)) ")"))
    (octet-take)
    (should (equal (buffer-string) "é\n漢(abc); g"))))

(ert-deftest octet-test-documented-lines ()
  "The lines of editors/README.md do what it says; the file is loaded from where this test finds it."
  (package-initialize)
  (require 'eglot)
  (let ((lines (with-temp-buffer
                 (insert-file-contents octet-test-readme)
                 (cl-loop while (re-search-forward "^    (" nil t)
                          do (backward-char)
                          collect (read (current-buffer)))))
        (global-map (copy-keymap global-map)) (eglot-server-programs nil))
    (should (equal (mapcar #'car lines) '(load global-set-key add-to-list)))
    (mapc #'eval (cdr lines))
    (should (eq (lookup-key global-map (kbd "M-\\")) 'octet-suggest))
    (with-temp-buffer
      (setq buffer-file-name "/nowhere/a.py" major-mode 'python-mode)
      (should (equal (nth 3 (eglot--guess-contact)) '("octet" "lsp" "--stdio"))))))

(provide 'octet-test)
;;; octet-test.el ends here
