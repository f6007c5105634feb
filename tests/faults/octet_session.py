"""A short session with `octet lsp`, as bytes, and what must be true of every end of it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))

from lsp_stdio_test import COMPLETE, EXIT, INITIALIZE, INITIALIZED, OPEN, SHUTDOWN, URI, frame, frames_of  # noqa: E402,F401
from octet import BIN, DONE, FAILED, MODEL, SNIPPET, SOURCE_DIR, TIMEOUT_S, TINY_MODELS, CliTest, environment, run  # noqa: E402,F401

EDIT = frame({"method": "textDocument/didChange",
              "params": {"textDocument": {"uri": URI, "version": 2},
                         "contentChanges": [{"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
                                             "text": "# \U0001F600\r\n"},
                                            {"text": SNIPPET}]}})
SESSION = INITIALIZE + INITIALIZED + OPEN + EDIT + COMPLETE + SHUTDOWN + EXIT
IDS = [1, 2, 3]


def check_end(test, result):
    """Ended by itself: with code 0, or with code 1 and a reason on standard error."""
    message = result.stderr.decode("utf-8", "replace")
    test.assertIn(result.returncode, (DONE, FAILED), message)
    if result.returncode == FAILED:
        test.assertNotEqual(message, "")
    for sign in ("terminate called", "Sanitizer", "contract broken"):
        test.assertNotIn(sign, message)


def check_answers(test, result):
    test.assertEqual(result.returncode, DONE, result.stderr)
    test.assertEqual([answer.get("id") for answer in frames_of(result.stdout)], IDS)
