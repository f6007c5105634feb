"""How the command line tests run octet: the binary, the models, and a run with its checks.

OCTET_BIN names the binary (default: build/release/octet of the repository), OCTET_SOURCE_DIR the repository (default: the
one that this file lies in), OCTET_SANITIZE the sanitizers that the binary was built with, if any. Children see no other OCTET_*
variable than the model, unless a test sets it.
"""

import array
import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE_DIR = Path(os.environ.get("OCTET_SOURCE_DIR") or Path(__file__).resolve().parents[2])
BIN = Path(os.environ.get("OCTET_BIN") or SOURCE_DIR / "build/release/octet").absolute()
MODEL = SOURCE_DIR / "tests/golden/octet-seed.safetensors"  # stays as it is when the default model gets better
DEFAULT_MODEL = SOURCE_DIR / "bytemodel/weights/octet.safetensors"
TINY_MODELS = sorted((SOURCE_DIR / "tests/golden").glob("tiny-*.safetensors"))

IS_SANITIZED = bool(os.environ.get("OCTET_SANITIZE"))
TIMEOUT_S = 180  # only a bound for failing: nothing may hang
DONE, FAILED, USAGE = 0, 1, 2

CACHE = tempfile.TemporaryDirectory(prefix="octet-cache-")  # what octet remembers and counts here is not the user's

SNIPPET = """class Circle:
    def __init__(self, radius):
        self.radius = radius

    def area(self):
        return 3.14 * self.
"""


def environment(**changes):
    """This process's environment without OCTET_*, with the seed model, folders of the tests' own and `changes`; None takes a variable away."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OCTET_")}
    env["OCTET_MODEL"] = str(MODEL)
    env["XDG_CACHE_HOME"] = env["XDG_STATE_HOME"] = CACHE.name
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


def run(*arguments, binary=BIN, env=None, stdin=b"", stdout=subprocess.PIPE, **options):
    """One run of octet. `stdin` is what it reads, as bytes or as an open file; what it writes comes back as bytes."""
    source = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    return subprocess.run([str(binary), *map(str, arguments)], stdout=stdout, stderr=subprocess.PIPE, env=env or environment(),
                          timeout=TIMEOUT_S, check=False, **source, **options)


def peak_memory(*arguments):
    """Runs octet without looking at its output; returns its exit code and the most memory that it held, in bytes."""
    process = subprocess.Popen([str(BIN), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss * 1024


def as_int8(whole):
    """A model file's bytes with every matrix as int8 and a scale a row."""
    begin = 8 + struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8:begin])
    floats, matrices = [], []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        data, shape = whole[begin:][slice(*entry["data_offsets"])], entry["shape"]
        if len(shape) == 1:
            floats.append((name, "F32", shape, data))
            continue
        scales, quantized = array.array("f"), array.array("b")
        for place in range(0, len(data), 4 * shape[-1]):
            row = array.array("f", data[place : place + 4 * shape[-1]])
            scales.append(max(map(abs, row)) / 127)
            quantized.extend(min(127, max(-127, round(value / (scales[-1] or 1)))) for value in row)
        floats.append((name + ".scale", "F32", shape[:-1], scales.tobytes()))
        matrices.append((name, "I8", shape, quantized.tobytes()))
    new, data = {"__metadata__": header["__metadata__"]}, b""
    for name, dtype, shape, part in floats + matrices:
        new[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(new).encode()
    return struct.pack("<Q", len(text)) + text + data


def cursor_after(text, needle, nth=1):
    """LINE:COL behind the nth occurrence of `needle` in `text` (bytes)."""
    start = -1
    for _ in range(nth):
        start = text.index(needle, start + 1)
    end = start + len(needle)
    line_start = text.rfind(b"\n", 0, end) + 1
    return f"{text.count(bytes([10]), 0, end) + 1}:{end - line_start + 1}"


class CliTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.assertTrue(BIN.is_file(), f"OCTET_BIN: no binary at {BIN}")
        scratch = Path(tempfile.mkdtemp(prefix="octet-cli-"))
        self.addCleanup(shutil.rmtree, scratch)
        self.folder = scratch / "project"  # the model sees the folder's name: not a random one
        self.folder.mkdir()

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def snippet(self):
        """A source file and the cursor where its text stops."""
        return self.write("circle.py", SNIPPET), cursor_after(SNIPPET.encode(), b"self.", nth=2)

    def succeed(self, *arguments, **options):
        """A run that must end with code 0 and no complaint; returns its standard output as text."""
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.assertEqual(result.stderr, b"")
        return result.stdout.decode("utf-8")  # strict: the output is UTF-8 whatever the input was

    def complete(self, *arguments, **options):
        """`octet complete ... --json`, parsed."""
        return json.loads(self.succeed("complete", *arguments, "--json", **options))

    def refuse(self, code, names, *arguments, **options):
        """A run that must fail with `code`, nothing on standard output, and a message that holds each of `names`."""
        result = run(*arguments, **options)
        message = result.stderr.decode("utf-8", "replace")
        self.assertEqual(result.returncode, code, message)
        self.assertEqual(result.stdout, b"")
        for name in [names] if isinstance(names, (str, Path)) else names:
            self.assertIn(str(name), message)
        self.assertLess(len(message), 2000, "a message, not a dump")
        self.assertNotIn("terminate called", message)
        return message
