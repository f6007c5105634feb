#!/usr/bin/env python3
"""A language server that does what the test says.

It answers `initialize` and `shutdown`. Every message it gets goes back as the notification `stub/received`, in order. `stub/send {text}`
makes it send that JSON, `stub/crash` ends it with code 3.
"""
import json
import sys


def read_message():
    length = 0
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit(1)
        line = line.strip()
        if not line:
            return json.loads(sys.stdin.buffer.read(length))
        name, value = line.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)


def write(text):
    body = text.encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


def answer(message, result):
    write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}))


def main():
    capabilities = {"textDocumentSync": {"openClose": True, "change": 2}, "inlineCompletionProvider": {}}
    while True:
        message = read_message()
        method = message.get("method", "")
        if method == "stub/send":
            write(message["params"]["text"])
        elif method == "stub/crash":
            sys.exit(3)
        elif method == "exit":
            sys.exit(0)
        else:
            write(json.dumps({"jsonrpc": "2.0", "method": "stub/received", "params": message}))
            if method == "initialize":
                answer(message, {"capabilities": capabilities})
            elif method == "shutdown":
                answer(message, None)


main()
