"""Runs a compiler and keeps what it says in a file beside the object: a test reads ptxas' report of registers and spills.

    keep_report.py COMPILER ARGUMENT...
"""

import pathlib
import subprocess
import sys

command = sys.argv[1:]
result = subprocess.run(command, capture_output=True, text=True)
if "-o" in command:
    pathlib.Path(command[command.index("-o") + 1] + ".report").write_text(result.stderr + result.stdout)
if result.returncode != 0 or "warning" in result.stderr:
    sys.stderr.write(result.stdout + result.stderr)
sys.exit(result.returncode)
