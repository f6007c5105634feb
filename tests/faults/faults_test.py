"""Every test of what the system may do to a process, in one program: python3 tests/faults/faults_test.py [-v]."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

PARTS = ("memory_test", "disk_test", "signals_test")


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(PARTS)


if __name__ == "__main__":
    unittest.main()
