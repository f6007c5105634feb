;;; run.el --- eglot against `octet lsp'  -*- lexical-binding: t -*-

;;; Commentary:
;; Runs every scenario in batch mode and ends with code 0 when all hold:
;;
;;   emacs --batch -l tests/clients/emacs/run.el
;;
;; OCTET_BIN names the binary.  Emacs 28 with eglot 1.9, or newer.

;;; Code:

(package-initialize)
(add-to-list 'load-path (file-name-directory load-file-name))
(require 'octet-editor)
(require 'octet-scenarios)

(let ((n-passed 0) (n-failed 0))
  (dolist (scenario octet-scenarios)
    (let ((reason (condition-case failure
                      (progn (funcall (cdr scenario)) nil)
                    ((error quit) (error-message-string failure)))))
      (condition-case failure
          (octet-clean-up)
        (error (setq reason (or reason (error-message-string failure)))))
      (if reason (cl-incf n-failed) (cl-incf n-passed))
      (princ (format "%s %s\n" (if reason "FAILED " "ok     ") (car scenario)))
      (when reason (princ (format "%s\n" reason)))))
  (princ (format "%d passed, %d failed\n" n-passed n-failed))
  (kill-emacs (if (= n-failed 0) 0 1)))

;;; run.el ends here
