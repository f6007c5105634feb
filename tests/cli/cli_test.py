"""Every test of the command line, in one program: python3 tests/cli/cli_test.py [-v].

OCTET_BIN names the binary and OCTET_SOURCE_DIR the repository, see octet.py.
"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

PARTS = ("complete_test", "bad_input_test", "lsp_stdio_test", "lsp_framing_test", "lsp_socket_test", "lsp_parent_test", "general_test",
         "network_test", "forget_test", "secrets_test", "bench_test", "latency_test", "cuda_test")


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(PARTS)


if __name__ == "__main__":
    unittest.main()
