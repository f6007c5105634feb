;;; octet-editor.el --- what the scenarios need of an editor  -*- lexical-binding: t -*-

;;; Commentary:
;; Servers, files in a project of their own, completions, and waiting for what must happen.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)
(require 'seq)
(require 'subr-x)

(defconst octet-limit-s 60 "Only a bound for failing.")
(defconst octet-settings '(:octet (:workspaceMemory :json-false))
  "What other files hold must not tell a server of the project from a fresh one.")
(defvar octet-folder nil "The project of this scenario.")

(setq eglot-sync-connect t
      eglot-autoreconnect nil
      eglot-connect-timeout octet-limit-s
      eglot-events-buffer-size 0
      inhibit-message t
      vc-handled-backends nil
      make-backup-files nil
      create-lockfiles nil)

(defun octet-command ()
  (list (or (getenv "OCTET_BIN") (error "OCTET_BIN names the octet binary to test")) "lsp" "--stdio"))

(defun octet-wait (what holds)
  "Wait until HOLDS returns non-nil, or fail with WHAT did not happen."
  (with-timeout (octet-limit-s (error "%s: it never happens" what))
    (while (not (funcall holds)) (accept-process-output nil 0.01))))

(defun octet-equal (found expected what)
  (unless (equal found expected) (error "%s: expected %S, found %S" what expected found)))

;; Watching files takes a command loop, which batch mode lacks: pending events would keep ends of processes from being seen.
(cl-defmethod eglot-register-capability (_server (_method (eql workspace/didChangeWatchedFiles)) _id &rest _params))

;;; Buffers and servers

(defun octet-open (name text &optional coding)
  "Visit a new file NAME of the project that holds TEXT, stored in CODING."
  (unless octet-folder
    ;; The model sees the folder's name: not a random one.
    (setq octet-folder (file-name-as-directory (expand-file-name "project" (make-temp-file "octet-emacs-" t))))
    (make-directory octet-folder))
  (let ((path (expand-file-name name octet-folder)))
    (let ((coding-system-for-write (or coding 'utf-8-unix))) (write-region text nil path nil 'silent))
    (switch-to-buffer (find-file-noselect path))
    (buffer-enable-undo)
    (current-buffer)))

(defun octet-connect ()
  "Let eglot manage the current buffer's project; the server."
  (eglot (list major-mode) (cons 'transient octet-folder) 'eglot-lsp-server
         (append (octet-command) (list :initializationOptions octet-settings)) "python")
  (octet-wait "a managed buffer" #'eglot-managed-p)
  (let ((server (eglot-current-server)))
    ;; What the server sends at its start has been read once this is answered; eglot cannot reply to a server that is gone.
    (jsonrpc-request server :octet/explain eglot--{} :timeout octet-limit-s)
    server))

(defun octet-process (server) (jsonrpc--process server))

(defun octet-stop (server)
  "Shut SERVER down; unlike `eglot-shutdown', let the process end by itself, which it must with code 0."
  (let ((process (octet-process server)))
    (setf (eglot--shutdown-requested server) t)
    (jsonrpc-request server :shutdown nil :timeout octet-limit-s)
    (jsonrpc-notify server :exit nil)
    (octet-wait "the end of the server" (lambda () (not (process-live-p process))))
    (octet-wait "eglot's farewell" (lambda () (not (memq server (apply #'append (hash-table-values eglot--servers-by-project))))))
    (octet-equal (process-status process) 'exit "end of the server")
    (octet-equal (process-exit-status process) 0 "exit code")))

(defun octet-clean-up ()
  "After a scenario: no server, buffer or file of it is left."
  (unwind-protect
      (dolist (servers (hash-table-values eglot--servers-by-project))
        (dolist (server servers) (octet-stop server)))
    (dolist (buffer (buffer-list))
      (when (buffer-file-name buffer)
        (with-current-buffer buffer (set-buffer-modified-p nil))
        (kill-buffer buffer)))
    (when octet-folder (delete-directory (file-name-directory (directory-file-name octet-folder)) t))
    (setq octet-folder nil)))

;;; Completions

(defun octet-position (at)
  "The LSP position of AT, counted afresh: UTF-16 units, lines of the buffer."
  (save-excursion
    (goto-char at)
    (list :line (1- (line-number-at-pos at t))
          :character (/ (length (encode-coding-string (buffer-substring-no-properties (line-beginning-position) at) 'utf-16le)) 2))))

(defun octet-expect-position (found expected)
  (dolist (field '(:line :character)) (octet-equal (plist-get found field) (plist-get expected field) field)))

(defun octet-params (&optional at)
  (list :textDocument (eglot--TextDocumentIdentifier) :position (octet-position (or at (point))) :context '(:triggerKind 1)))

(defun octet-request (server params)
  "Send what waits to be sent, and ask for a completion; a list of items."
  (eglot--signal-textDocument/didChange)
  (append (plist-get (jsonrpc-request server :textDocument/inlineCompletion params :timeout octet-limit-s) :items) nil))

(defun octet-refused (server params)
  "The code of the error that answers a completion."
  (condition-case failure
      (progn (octet-request server params) (error "the request was not refused"))
    (jsonrpc-error (alist-get 'jsonrpc-error-code (cddr failure)))))

(defun octet-complete ()
  "The items at point, each checked against the buffer."
  (let* ((params (octet-params))
         (items (octet-request (eglot-current-server) params))
         (start (save-excursion (skip-chars-backward "A-Za-z0-9_\u0080-\U0010FFFF") (point)))
         (word (buffer-substring-no-properties start (point))))
    (dolist (item items items)
      (octet-expect-position (plist-get (plist-get item :range) :start) (octet-position start))
      (octet-expect-position (plist-get (plist-get item :range) :end) (plist-get params :position))
      (unless (and (string-prefix-p word (plist-get item :insertText)) (> (length (plist-get item :insertText)) (length word)))
        (error "the item does not extend the word: %S" item)))))

(defun octet-complete-afresh ()
  "The items that a server offers at point to which the buffer's whole text was given at once."
  (let* ((process (make-process :name "fresh" :command (octet-command) :connection-type 'pipe :coding 'utf-8-emacs-unix :noquery t
                                :stderr (get-buffer-create " *fresh stderr*")))
         (server (make-instance 'jsonrpc-process-connection :name "fresh" :process process :events-buffer-scrollback-size 0)))
    (unwind-protect
        (progn
          (jsonrpc-request server :initialize (list :processId nil :rootUri nil :capabilities eglot--{} :initializationOptions octet-settings)
                           :timeout octet-limit-s)
          (jsonrpc-notify server :initialized nil)
          (jsonrpc-notify server :textDocument/didOpen (list :textDocument (eglot--TextDocumentItem)))
          (octet-request server (octet-params)))
      (jsonrpc-request server :shutdown nil :timeout octet-limit-s)
      (jsonrpc-notify server :exit nil)
      (octet-wait "the end of the fresh server" (lambda () (not (process-live-p process)))))))

(defun octet-expect-same-as-fresh ()
  "Fail unless the server offers at point what a fresh one does.
One of the texts may be shorter: the time for decoding is limited."
  (let ((items (octet-complete)) (expected (octet-complete-afresh)))
    (octet-equal (length items) (length expected) "number of items")
    (cl-mapc (lambda (item other)
               (let ((a (plist-get item :insertText)) (b (plist-get other :insertText)))
                 (unless (or (string-prefix-p a b) (string-prefix-p b a)) (error "expected %S, found %S" b a))))
             items expected)
    items))

(provide 'octet-editor)
;;; octet-editor.el ends here
