;;; octet.el --- code completion by octet  -*- lexical-binding: t -*-

;;; Commentary:
;; `octet-suggest' asks octet for a completion at point and shows it behind point.  TAB takes it, M-f its next word; any other
;; key does what it always does, and the suggestion is gone.  Nothing is asked for without that command.  Emacs 28 or newer.
;;
;; Octet is reached over a connection of its own: eglot lets a buffer have one server, and that is the language's.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'url-util)

(defgroup octet nil "Code completion that never leaves the machine." :group 'completion)
(defcustom octet-command '("octet" "lsp" "--stdio") "What starts the server." :type '(repeat string))
(defface octet-suggestion '((t :inherit shadow)) "The suggestion.")

(defvar octet--server nil "The one connection, to which all buffers belong.")
(defvar octet--folders nil "Those that the server was told.")
(defvar-local octet--opened nil "The server that has this buffer, its document there, the text's tick.")
(put 'octet--opened 'permanent-local t) ; another major mode is not another buffer
(put 'octet--close 'permanent-local-hook t)
(defvar-local octet--overlay nil "The suggestion on the screen.")
(defvar octet--end #'ignore "Ends its keys, and hides it.")

;;; The server

(defun octet--start ()
  "Start the server and wait until it is ready."
  (let ((log (if (slot-exists-p 'jsonrpc-process-connection '-events-buffer-config) ; jsonrpc 1.0.18
                 '(:events-buffer-config (:size 0))
               '(:events-buffer-scrollback-size 0)))
        (process (make-process :name "octet" :command octet-command :connection-type 'pipe :coding 'utf-8-emacs-unix :noquery t
                               :stderr (get-buffer-create "*octet stderr*"))))
    (setq octet--folders nil
          octet--server (apply #'make-instance 'jsonrpc-process-connection :name "octet" :process process log))
    (jsonrpc-request octet--server :initialize
                     (list :processId (emacs-pid) :rootUri nil
                           ;; In units of code points, as Emacs counts.
                           :capabilities '(:general (:positionEncodings ["utf-32"]) :workspace (:workspaceFolders t))))
    (jsonrpc-notify octet--server :initialized (make-hash-table))))

(defun octet--folder ()
  "Tell the server the project of this buffer, whose files it may remember."
  (let ((folder (locate-dominating-file buffer-file-name ".git")))
    (unless (or (null folder) (member folder octet--folders))
      (push folder octet--folders)
      (let ((added (vector (list :uri (octet--uri (directory-file-name (expand-file-name folder))) :name folder))))
        (jsonrpc-notify octet--server :workspace/didChangeWorkspaceFolders (list :event (list :added added :removed [])))))))

(defun octet--uri (path)
  (concat "file://" (url-hexify-string path url-path-allowed-chars)))

(defun octet--document () (list :uri (octet--uri (expand-file-name buffer-file-name))))

(defun octet--language ()
  (let ((name (replace-regexp-in-string "\\(-ts\\)?-mode\\'" "" (symbol-name major-mode))))
    (or (cdr (assoc name '(("c++" . "cpp") ("js" . "javascript") ("sh" . "shellscript") ("bash" . "shellscript")))) name)))

(defun octet--sync ()
  "Let the server have the text of this buffer."
  (unless (and octet--server (jsonrpc-running-p octet--server)) (octet--start))
  (let ((tick (buffer-chars-modified-tick))
        (text (save-restriction (widen) (buffer-substring-no-properties (point-min) (point-max)))))
    (cond ((not (and (eq (nth 0 octet--opened) octet--server) (equal (nth 1 octet--opened) (octet--document))))
           (octet--close) ; under another name
           (octet--folder)
           (jsonrpc-notify octet--server :textDocument/didOpen
                           (list :textDocument (append (octet--document) (list :languageId (octet--language) :version tick :text text))))
           (add-hook 'kill-buffer-hook #'octet--close nil t))
          ((/= tick (nth 2 octet--opened))
           (jsonrpc-notify octet--server :textDocument/didChange
                           (list :textDocument (append (octet--document) (list :version tick))
                                 :contentChanges (vector (list :text text))))))
    (setq octet--opened (list octet--server (octet--document) tick))))

(defun octet--close ()
  (when (and octet--opened (eq (car octet--opened) octet--server) (jsonrpc-running-p octet--server))
    (jsonrpc-notify octet--server :textDocument/didClose (list :textDocument (nth 1 octet--opened)))))

;;; The suggestion

(defun octet--ask ()
  "The server's item at point, or nil."
  (octet--sync)
  (let* ((position (save-restriction
                     (widen)
                     (list :line (1- (line-number-at-pos nil t)) :character (- (point) (line-beginning-position)))))
         (answer (jsonrpc-request octet--server :textDocument/inlineCompletion
                                  (list :textDocument (octet--document) :position position :context '(:triggerKind 1))))
         (items (plist-get answer :items)))
    (and (> (length items) 0) (aref items 0))))

(defun octet--silence ()
  "Why the server offers nothing, in its own words."
  (let ((told (jsonrpc-request octet--server :octet/explain (make-hash-table))))
    (or (plist-get (plist-get told :silence) :message) "nothing to offer")))

(defun octet--show (item)
  (let* ((range (plist-get item :range))
         (start (+ (line-beginning-position) (plist-get (plist-get range :start) :character)))
         (end (+ (line-beginning-position) (plist-get (plist-get range :end) :character)))
         (ghost (propertize (substring (plist-get item :insertText) (- (point) start)) 'face 'octet-suggestion)))
    (put-text-property 0 1 'cursor t ghost)
    (setq octet--overlay (make-overlay (point) end))
    (overlay-put octet--overlay 'display "") ; what taking it replaces behind point
    (overlay-put octet--overlay 'octet item)
    (overlay-put octet--overlay 'after-string ghost)))

(defun octet--hide ()
  (when octet--overlay (delete-overlay octet--overlay))
  (setq octet--overlay nil))

(defun octet--take (n-characters)
  "Insert that much of the suggestion.
All of it replaces what its item says behind point."
  (let* ((overlay octet--overlay)
         (ghost (substring-no-properties (overlay-get overlay 'after-string)))
         (item (overlay-get overlay 'octet)))
    (if (< n-characters (length ghost))
        (insert (substring ghost 0 n-characters))
      (delete-region (point) (overlay-end overlay))
      (insert ghost)
      (let ((command (plist-get item :command)))
        (when command
          (jsonrpc-async-request octet--server :workspace/executeCommand
                                 (list :command (plist-get command :command) :arguments (plist-get command :arguments))
                                 :success-fn #'ignore :error-fn #'ignore))))
    (funcall octet--end)))

(defun octet-take ()
  "Take the suggestion."
  (interactive)
  (octet--take (length (overlay-get octet--overlay 'after-string))))

(defun octet-take-word ()
  "Take the next word of the suggestion, and ask again."
  (interactive)
  (let ((ghost (overlay-get octet--overlay 'after-string)))
    (octet--take (if (string-match "\\`[[:space:]]*\\(?:[[:alnum:]_]+\\|[^[:alnum:]_[:space:]]+\\)" ghost) (match-end 0) (length ghost))))
  (octet-suggest))

(defvar octet-suggestion-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'octet-take)
    (define-key map (kbd "<tab>") #'octet-take)
    (define-key map (kbd "M-f") #'octet-take-word)
    map)
  "Keys while a suggestion is shown.")

;;;###autoload
(defun octet-suggest ()
  "Show a completion at point."
  (interactive)
  (unless (and buffer-file-name (not (file-remote-p buffer-file-name)))
    (user-error "Octet completes files of this machine, and this buffer has none"))
  (funcall octet--end)
  (let ((item (octet--ask)))
    (if (null item)
        (message "octet: %s" (octet--silence))
      (octet--show item)
      (setq octet--end (set-transient-map octet-suggestion-map t #'octet--hide)))))

(provide 'octet)
;;; octet.el ends here
