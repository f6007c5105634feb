#!/usr/bin/env python3
"""Completes real code at several cursors with the default model and shows what an editor would show.

usage: demo.py OCTET [OUTPUT.json]

A cursor is named by the text right before it. What stands between the cursor and `until` is removed first, as if it had
not been typed yet.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# file, text right before the cursor, what the file has there (removed before completing)
CURSORS = [
    ("benchmarks/samples/lru_cache.py", "        self.hits += 1\n", "        self.items.move_to_end(key)\n        return self.items[key]\n"),
    ("benchmarks/samples/ring_buffer.c", "\trb->capacity = capacity;\n\trb->head = ", "0;"),
    ("benchmarks/samples/worker_pool.go", "\tdefer p.mu.", "Unlock()"),
    ("benchmarks/samples/tokenizer.rs", "            ')' => {\n                self.", "chars.next();\n                Ok(Some(Token::Close))"),
    ("benchmarks/samples/debounce.ts", "        if (handle !== undefined) {\n          ", "clock.clearTimeout(handle);"),
    ("benchmarks/samples/router.js", "  post(pattern, handler) {\n    this.", "add('POST', pattern, handler);"),
    ("lsp/document_store.cpp", "  if (found == documents_.end()) ", "return not_open(uri);"),
]

DIM, GHOST, OFF = ("\033[2m", "\033[36m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


def complete(octet, path, before, removed):
    text = (ROOT / path).read_text()
    cursor = text.index(before) + len(before)
    if not text.startswith(removed, cursor):
        sys.exit("%s: the text behind the cursor is not %r any more" % (path, removed))
    text = text[:cursor] + text[cursor + len(removed):]
    line = text.count("\n", 0, cursor) + 1
    column = len(text[text.rfind("\n", 0, cursor) + 1:cursor].encode()) + 1
    with tempfile.TemporaryDirectory() as folder:
        # the model sees the last two components of the path
        copy = pathlib.Path(folder, *pathlib.Path(path).parts[-2:])
        copy.parent.mkdir(parents=True)
        copy.write_text(text)
        command = [octet, "complete", str(copy), "--at", "%d:%d" % (line, column), "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("octet failed: " + done.stderr)
    return line, column, text[:cursor].rsplit("\n", 4)[-4:], json.loads(done.stdout)


def main():
    octet = sys.argv[1]
    results = []
    for path, before, removed in CURSORS:
        line, column, context, result = complete(octet, path, before, removed)
        ms = result["ms"]
        per_step = result["bytes"] / max(result["steps"], 1)
        print("%s%s:%d:%d%s" % (DIM, path, line, column, OFF))
        print("\n".join(context) + GHOST + result["text"] + OFF + ("" if GHOST else "   <- " + repr(result["text"])))
        print("%s%d bytes in %d steps, %.2f accepted per step, stop: %s; first byte %.1f ms, all %.1f ms (prompt of %d bytes: %.1f ms, decoding: %.1f ms)%s\n"
              % (DIM, result["bytes"], result["steps"], per_step, result["stop_reason"], ms["first_byte"], ms["total"],
                 result["prompt_bytes"], ms["prefill"], ms["decode"], OFF))
        results.append({"file": path, "line": line, "column": column, **result})
    model = results[0]["model"]
    print("model %s, profile %s, %s %s kernels" % (model["name"], results[0]["profile"], results[0]["device"], results[0]["isa"]))
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
