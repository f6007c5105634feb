;;; octet-scenarios.el --- what a user of eglot does  -*- lexical-binding: t -*-

;;; Code:

(require 'octet-editor)

(defconst octet-circle "class Circle:
    def __init__(self, radius):
        self.radius = radius

    def area(self):
        return 3.14 * self."
  "At its end there is always something to offer.")

(defconst octet-invalid-params -32602)

(defun octet-open-circle (&optional name coding)
  (octet-open (or name "circle.py") octet-circle coding)
  (goto-char (point-max)))

(defun octet-expect-items ()
  (or (octet-complete) (error "nothing is offered")))

(defconst octet-scenarios
  (list
   (cons "the server says what it can do"
         (lambda ()
           (octet-open-circle)
           (let ((capabilities (eglot--capabilities (octet-connect))))
             (unless (plist-member capabilities :inlineCompletionProvider) (error "inlineCompletionProvider is missing"))
             (octet-equal (plist-get (plist-get capabilities :textDocumentSync) :change) 2 "incremental changes")
             (octet-equal (plist-get capabilities :positionEncoding) "utf-16" "encoding"))))

   (cons "an open file is completed, and the item can be taken"
         (lambda ()
           (octet-open-circle)
           (octet-connect)
           (let* ((item (car (octet-expect-items))) (range (eglot--range-region (plist-get item :range))))
             (delete-region (car range) (cdr range))
             (insert (plist-get item :insertText))
             (octet-expect-same-as-fresh))))

   (cons "what is inserted arrives"
         (lambda ()
           (octet-open-circle)
           (octet-connect)
           (insert "radius\n\n    def perimeter(self):\n        return 2 * self.")
           (save-excursion (goto-char (point-min)) (insert "import math\n\n"))
           (octet-expect-same-as-fresh)
           (save-excursion (goto-char (point-min)) (insert "#"))
           (insert "ra")
           (octet-expect-same-as-fresh)))

   (cons "deletions, undo and replacements arrive"
         (lambda ()
           (octet-open-circle)
           (octet-connect)
           (undo-boundary)
           (save-excursion (goto-char (point-min)) (forward-line 1) (kill-line 2))
           (octet-expect-same-as-fresh)
           (undo-boundary)
           (primitive-undo 2 buffer-undo-list)
           (octet-expect-same-as-fresh)
           (save-excursion
             (goto-char (point-min))
             (while (re-search-forward "radius" nil t) (replace-match "r😀" t t))
             (transpose-lines -1)
             (upcase-region (point-min) (line-end-position)))
           (goto-char (point-max))
           (octet-expect-same-as-fresh)
           (erase-buffer)
           (insert "x = 1\ny = ")
           (octet-expect-same-as-fresh)))

   (cons "characters outside the basic plane count as two"
         (lambda ()
           (octet-open "astral.py" "name = '😀𐐷é' + na\nnaïve😀 = name")
           (octet-connect)
           (goto-char (line-end-position))
           (octet-expect-same-as-fresh)
           (search-backward "𐐷")
           (delete-char 1)
           (insert "👩‍💻")
           (octet-expect-same-as-fresh)
           (goto-char (point-max))
           (insert " + naïve😀")
           (octet-expect-same-as-fresh)))

   (cons "a file with CR LF is completed and edited like any other"
         (lambda ()
           (octet-open-circle "dos.py" 'utf-8-dos)
           (octet-equal (coding-system-eol-type buffer-file-coding-system) 1 "line ending: CR LF")
           (octet-connect)
           (octet-expect-items)
           (insert "radius\n\nc = Circle(1)\nc.")
           (save-excursion (goto-char (point-min)) (kill-line 1))
           (octet-expect-same-as-fresh)))

   (cons "carriage returns that the editor shows count as a line ending"
         (lambda ()
           (octet-open "mixed.py" "def f(a):\r\n    b = a\n    return b\r\n" 'no-conversion)
           (goto-char (point-min))
           (octet-equal (and (search-forward "\r" nil t) t) t "carriage return in the buffer")
           (octet-connect)
           (goto-char (point-min))
           (forward-line 1)
           (goto-char (line-end-position))
           (octet-expect-same-as-fresh)
           (insert " + ")
           (save-excursion (goto-char (point-min)) (insert "# 😀\r\n"))
           (octet-expect-same-as-fresh)))

   (cons "two files are told apart"
         (lambda ()
           (octet-open-circle)
           (octet-connect)
           (let ((first (current-buffer)) (second (octet-open "total.py" "def total(prices):\n    return sum(")))
             (octet-wait "a managed buffer" #'eglot-managed-p)
             (dotimes (_ 3)
               (with-current-buffer first (goto-char (point-max)) (insert "r + self."))
               (with-current-buffer second (goto-char (point-min)) (insert "# 😀\n")))
             (switch-to-buffer first)
             (octet-expect-same-as-fresh)
             (switch-to-buffer second)
             (goto-char (point-max))
             (octet-expect-same-as-fresh))))

   (cons "a file that was closed is refused, and completed once it is open again"
         (lambda ()
           (octet-open "other.py" "x = 1\n")
           (let ((server (octet-connect)) (other (current-buffer)) params)
             (octet-open-circle)
             (octet-expect-items)
             (setq params (octet-params))
             (kill-buffer)
             (with-current-buffer other (octet-equal (octet-refused server params) octet-invalid-params "error code"))
             (switch-to-buffer (find-file-noselect (expand-file-name "circle.py" octet-folder)))
             (octet-wait "a managed buffer" #'eglot-managed-p)
             (goto-char (point-max))
             (octet-expect-items))))

   (cons "saving and reverting a file leave the server with its text"
         (lambda ()
           (octet-open-circle)
           (octet-connect)
           (save-excursion (goto-char (point-min)) (insert "# one\n"))
           (save-buffer)
           (octet-expect-same-as-fresh)
           (write-region (concat "# two\n# 😀\n" octet-circle) nil (buffer-file-name) nil 'silent)
           (revert-buffer t t)
           (octet-wait "a managed buffer" #'eglot-managed-p)
           (goto-char (point-max))
           (octet-expect-same-as-fresh)))

   (cons "of several requests the newest has the items, and all have an answer"
         (lambda ()
           (octet-open-circle)
           (let ((server (octet-connect)) answers)
             (dotimes (_ 10)
               (jsonrpc-async-request server :textDocument/inlineCompletion (octet-params)
                                      :success-fn (lambda (result) (push result answers))
                                      :error-fn (lambda (failure) (push failure answers))))
             (octet-wait "ten answers" (lambda () (= (length answers) 10)))
             (dolist (answer answers) (octet-equal (vectorp (plist-get answer :items)) t "a list of items"))
             (octet-equal (> (length (plist-get (car answers) :items)) 0) t "the newest request has an item"))))

   (cons "a reconnected server knows the open files"
         (lambda ()
           (octet-open-circle)
           (let* ((server (octet-connect)) (process (octet-process server)))
             (insert "r * self.")
             (eglot-reconnect server)
             (octet-wait "a managed buffer" #'eglot-managed-p)
             (octet-wait "the end of the first server" (lambda () (not (process-live-p process))))
             (octet-equal (eq server (eglot-current-server)) nil "the same server")
             (octet-expect-same-as-fresh))))

   (cons "a server that was killed is replaced"
         (lambda ()
           (octet-open-circle)
           (let ((process (octet-process (octet-connect))))
             (signal-process process 'SIGKILL)
             (octet-wait "the end of the server" (lambda () (not (process-live-p process))))
             (octet-wait "a buffer without a server" (lambda () (not (eglot-managed-p))))
             (insert "r * self.")
             (octet-connect)
             (octet-expect-same-as-fresh))))

   (cons "shutdown and exit leave no process, also while a completion runs"
         (lambda ()
           (octet-open-circle)
           (let ((server (octet-connect)))
             (jsonrpc-async-request server :textDocument/inlineCompletion (octet-params) :success-fn #'ignore)
             (octet-stop server)))))
  "Names and functions; each starts without a server and a file.")

(provide 'octet-scenarios)
;;; octet-scenarios.el ends here
