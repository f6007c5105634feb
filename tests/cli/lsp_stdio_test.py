"""octet lsp on raw standard input and output: streams that are no protocol, sessions from files, readers that go away."""

import os
import random
import subprocess
import unittest

from lsp_process import EXIT, INITIALIZE, INITIALIZED, SHUTDOWN, frame, frames_of
from octet import BIN, DONE, FAILED, SNIPPET, TIMEOUT_S, CliTest, environment, run


URI = "file:///repo/src/circle.py"
OPEN = frame({"method": "textDocument/didOpen",
              "params": {"textDocument": {"uri": URI, "languageId": "python", "version": 1, "text": SNIPPET}}})
COMPLETE = frame({"id": 2, "method": "textDocument/inlineCompletion",
                  "params": {"textDocument": {"uri": URI}, "position": {"line": 5, "character": 27}, "context": {"triggerKind": 1}}})
SESSION = INITIALIZE + INITIALIZED + OPEN + COMPLETE + SHUTDOWN + EXIT


class NoProtocolTest(CliTest):
    def refuse_stream(self, stream, *names):
        result = run("lsp", "--stdio", stdin=stream)
        self.assertEqual(result.returncode, FAILED, result.stderr)
        self.assertEqual(result.stdout, b"")
        for name in names:
            self.assertIn(name, result.stderr.decode("utf-8"))
        self.assertLess(len(result.stderr), 2000)

    def test_garbage_closes_the_connection(self):
        self.refuse_stream(random.Random(1).randbytes(100_000), "framing")
        self.refuse_stream(b"hello\n", "framing")
        self.refuse_stream(b"\xff\xfe\r\n\r\n", "framing")
        self.refuse_stream(bytes(100_000), "framing")

    def test_an_http_request_closes_the_connection(self):
        self.refuse_stream(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "framing")
        self.refuse_stream(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "framing")
        self.refuse_stream(b"Host: localhost\r\nContent-Length: 2\r\n\r\n{}", "framing")

    def test_a_header_that_breaks_a_limit_closes_the_connection(self):
        self.refuse_stream(b"Content-Type: " + b"x" * 9000 + b"\r\n", "framing", "8192")
        self.refuse_stream(b"Content-Type: utf-8\r\n" * 4000, "framing", "65536")
        self.refuse_stream(b"Content-Length: 33554433\r\n\r\n", "framing", "33554432")
        self.refuse_stream(b"Content-Length: 99999999999999999999999\r\n\r\n", "framing")

    def test_a_header_that_means_nothing_closes_the_connection(self):
        for header in (b"Content-Length: -1", b"Content-Length: ten", b"Content-Length: ", b"Content-Length: 2 2", b"Content-Length: 0x2",
                       b"Content-Length: 2\r\nContent-Length: 2", b"Content-Type: text/plain; charset=latin-1", b"Length: 2", b"",
                       b"Content-Type: application/vscode-jsonrpc; charset=utf-8"):
            with self.subTest(header=header):
                self.refuse_stream(header + b"\r\n\r\n{}", "framing")

    def test_a_client_that_leaves_its_answers_unread_does_not_keep_the_server_alive(self):
        body = b'{"jsonrpc":"2.0","id":1,"method":"no/such/method"}'
        with subprocess.Popen([BIN, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
            # far more answers than a pipe holds
            server.stdin.write((b"Content-Length: %d\r\n\r\n%s" % (len(body), body)) * 5000)
            server.stdin.close()
            self.assertEqual(server.wait(timeout=60), FAILED)

    def test_an_empty_stream_ends_with_code_1(self):
        self.refuse_stream(b"")

    def test_a_stream_that_ends_inside_a_message_ends_with_code_1_and_says_so(self):
        header = b"Content-Length: 100\r\n\r\n"
        for stream in (b"C", header[:-4], header[:-2], header, header + b'{"json'):
            with self.subTest(stream=stream):
                self.refuse_stream(stream, "inside a message")


class SessionTest(CliTest):
    def check_answers(self, stream):
        answers = frames_of(stream)
        self.assertEqual([answer.get("id") for answer in answers], [1, 2, 3])
        self.assertIn("inlineCompletionProvider", answers[0]["result"]["capabilities"])
        self.assertEqual(answers[0]["result"]["capabilities"]["positionEncoding"], "utf-16")
        self.assertIsInstance(answers[1]["result"]["items"], list)
        self.assertIsNone(answers[2]["result"])

    def test_a_whole_session_in_one_write_is_answered_in_order(self):
        result = run("lsp", "--stdio", stdin=SESSION)
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.check_answers(result.stdout)

    def test_stdio_is_the_default(self):
        result = run("lsp", stdin=SESSION)
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.check_answers(result.stdout)

    def test_regular_files_serve_as_both_ends(self):
        path = self.write("session.in", SESSION)
        with open(path, "rb") as stdin, open(self.folder / "session.out", "wb") as stdout:
            result = run("lsp", "--stdio", stdin=stdin, stdout=stdout)
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.check_answers((self.folder / "session.out").read_bytes())

    def test_a_regular_file_without_exit_ends_with_code_1(self):
        with open(self.write("session.in", INITIALIZE + INITIALIZED), "rb") as stdin:
            result = run("lsp", "--stdio", stdin=stdin)
        self.assertEqual(result.returncode, FAILED, result.stderr)
        self.assertEqual([answer["id"] for answer in frames_of(result.stdout)], [1])

    def test_headers_may_be_many_and_in_any_case(self):
        content_type = b"CONTENT-TYPE: application/vscode-jsonrpc; charset=utf-8\r\n"
        session = content_type + INITIALIZE.replace(b"Content-Length: ", b"content-length:\t ") + SHUTDOWN + EXIT
        result = run("lsp", "--stdio", stdin=session)
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.assertEqual([answer["id"] for answer in frames_of(result.stdout)], [1, 3])

    def test_a_session_that_arrives_byte_by_byte_is_the_same(self):
        process = subprocess.Popen([BIN, "lsp", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment(), bufsize=0)
        with process:
            for byte in SESSION:
                process.stdin.write(bytes([byte]))
            stdout, _ = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, DONE)
        self.check_answers(stdout)

    def test_what_follows_exit_is_not_read(self):
        result = run("lsp", "--stdio", stdin=SESSION + b"garbage\r\n" + INITIALIZE)
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.check_answers(result.stdout)

    def test_a_reader_that_went_away_ends_the_server(self):
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.Popen([BIN, "lsp", "--stdio"], stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE,
                                   env=environment())
        os.close(writer)
        with process:
            process.stdin.write(INITIALIZE)  # its answer cannot be written
            process.stdin.flush()            # and standard input stays open
            self.assertEqual(process.wait(timeout=TIMEOUT_S), FAILED)
            self.assertIn(b"cannot write to the client", process.stderr.read())

    def test_a_full_disk_behind_standard_output_ends_the_server(self):
        with open("/dev/full", "wb") as full:
            result = run("lsp", "--stdio", stdin=INITIALIZE + INITIALIZED, stdout=full)
        self.assertEqual(result.returncode, FAILED, result.stderr)


if __name__ == "__main__":
    unittest.main()
