"""Framing on the running server (R3): every case over standard input and output, and over a Unix socket.

After each of them the next message is answered, or the connection ends cleanly and the log says why.
"""

import unittest

from lsp_process import EXIT, GOODBYE, INITIALIZE, LspProcess, frame
from octet import DONE, FAILED, CliTest

MODES = ("stdio", "socket")
BODY = b'{"jsonrpc":"2.0","id":7,"method":"no/such/method"}'
LENGTH = b"Content-Length: %d" % len(BODY)
NEXT = frame({"id": 8, "method": "no/such/method"})


def message(header, body=BODY):
    return header + b"\r\n\r\n" + body


# Odd, but within the rules: the message is answered.
GOOD_HEADERS = [
    LENGTH, b"content-length: %d" % len(BODY), b"CONTENT-LENGTH:%d" % len(BODY), b"Content-Length:\t %d \t" % len(BODY),
    b"Content-Length: 000000000000000000000000000000000%d" % len(BODY),
    b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n" + LENGTH,
    LENGTH + b"\r\nContent-Type: application/vscode-jsonrpc; charset=utf8", LENGTH + b"\r\ncontent-type:", LENGTH + b"\r\nContent-Type: x",
    b"Content-Type: x\r\nContent-Type: y\r\n" + LENGTH, b"Content-Type: " + b"x" * 8000 + b"\r\n" + LENGTH,
    b"\r\n".join([b"Content-Type: " + b"x" * 80] * 600) + b"\r\n" + LENGTH,
]

# Well framed, but no message: answered with an error, and the next one is answered.
ODD_BODIES = [
    b"", b"{}", b"[]", b"null", b"7", b'"text"', b"{", b"}", b"\x00", BODY[:-1], BODY + b"\x00", BODY + b"}", BODY + BODY,
    b'{"jsonrpc":"2.0","id":7,"method":"\xff"}', b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b'{"jsonrpc":"2.0","id":7,"method":"\x00"}',
    b"\xef\xbb\xbf", b"\r\n\r\n", b"Content-Length: 2\r\n\r\n{}", b'{"jsonrpc":"1.0","id":7,"method":"x"}', b'{"id":7,"method":"x"}',
    b'{"jsonrpc":"2.0","id":7}', b'{"jsonrpc":"2.0","id":7.5,"method":"x"}', b'{"jsonrpc":"2.0","id":{},"method":"x"}',
    b'{"jsonrpc":"2.0","id":7,"method":7}', b"[" * 65 + b"]" * 65, b"[" * 100_000, b'{"a":' * 100_000, b" " * 1_000_000, b"x" * 1_000_000,
]

LENGTHS = [
    b"", b" ", b"-1", b"-0", b"+5", b"--5", b"5.0", b"5e0", b"0x5", b"12abc", b"abc", b"5 5", b"5,5", b"5;", b'"5"', b"5\x00", b"\x00", b"\x0b5",
    b"5\x0c", b"5\x7f", b"\xff", b"5\xff", b"\xef\xbc\x95", b"\xc2\xa05", b"null", b"NaN", b"1_000", b"0b101", b":5", b"5:", b"$5", b"5%",
    b"33554433", b"100000000", b"2147483647", b"2147483648", b"4294967295", b"4294967296", b"9223372036854775807", b"9223372036854775808",
    b"18446744073709551615", b"18446744073709551616", b"99999999999999999999", b"-99999999999999999999", b"1" + b"0" * 1000,
]

BAD_LINES = [
    b"Content-Length", b"Content-Length : 5", b" Content-Length: 5", b"\tContent-Length: 5", b"Content_Length: 5", b"ContentLength: 5",
    b"Content-Lengt: 5", b"Content-Lengths: 5", b"Length: 5", b": 5", b":", b"5", b"Host: localhost", b"Origin: http://evil.example",
    b"Transfer-Encoding: chunked", b"X-Header: 1", b"\x00", b"\x00Content-Length: 5", b"Content-Length\x00: 5", b"\xff", b"\xef\xbb\xbfContent-Length: 5",
    b"\x80\x81", b"{}", BODY, b"GET / HTTP/1.1", b"GET http://localhost/ HTTP/1.1", b"CONNECT localhost:1 HTTP/1.1", b"PRI * HTTP/2.0",
    b"SSH-2.0-client", b"EHLO localhost", b"*1",
]

# Against the rules: nothing behind them is read.
BAD_STREAMS = (
    [message(b"Content-Length: " + length) for length in LENGTHS]
    + [message(line) for line in BAD_LINES]
    + [message(line + b"\r\n" + LENGTH) for line in BAD_LINES]
    + [message(LENGTH + b"\r\n" + line) for line in BAD_LINES[:10]]
    + [message(LENGTH + b"\r\n" + LENGTH), message(LENGTH + b"\r\ncontent-length: 6"), message(LENGTH + b"\r\nContent-Type: x\r\n" + LENGTH)]
    + [message(LENGTH + b"\r\nContent-Type: text/plain; charset=" + name) for name in (b"latin-1", b"utf-16", b"ascii", b"", b"\xff")]
    + [LENGTH + end + BODY for end in (b"\n\n", b"\n\r\n", b"\r\n\n", b"\r\r\n\r\n", b"\n\r\n\r", b"\x00\r\n\r\n")]
    + [b"\n", b"\n\n\n", b"\r\n", b"\r\n\r\n", b"\r\n" + NEXT, b"\x16\x03\x01\x02\x01\x01\n", bytes(100_000), b"a" * 100_000, b"\r" * 100_000]
    + [b"POST / HTTP/1.1\r\nHost: localhost:1\r\n" + message(LENGTH), b"POST / HTTP/1.1\r\n" + message(LENGTH)]
    + [message(b"Content-Type: " + b"x" * 9000 + b"\r\n" + LENGTH), b"Content-Type: utf-8\r\n" * 4000]
    + [frame({"method": "x"})[:-1] + NEXT, message(b"Content-Length: 3"), message(b"Content-Length: %d" % (len(BODY) - 1)), message(b"Content-Length: 0")]
)


class FramingTest(CliTest):
    def serve(self, mode, stream, piece_bytes=None):
        """What a server answers to `stream`: the ids, its exit code and its log."""
        with LspProcess(mode, self.folder) as server:
            answers = server.talk(stream, piece_bytes)
            return [answer.get("id") for answer in answers], server.wait(), server.log()

    def test_there_are_enough_cases(self):
        self.assertGreaterEqual(len(BAD_STREAMS) + len(GOOD_HEADERS) + len(ODD_BODIES), 120)

    def test_odd_frames_and_bodies_do_not_take_the_next_message_away(self):
        # One connection takes them all, each followed by a message that must be answered.
        stream, expected = b"", []
        for header in GOOD_HEADERS:
            stream += message(header) + NEXT
            expected += [7, 8]
        for body in ODD_BODIES:
            stream += message(b"Content-Length: %d" % len(body), body) + NEXT
            expected += ["odd", 8]
        for mode in MODES:
            for piece_bytes in (None, 4096, 1000):
                with self.subTest(mode=mode, piece_bytes=piece_bytes):
                    ids, code, log = self.serve(mode, stream + INITIALIZE + GOODBYE, piece_bytes)
                    self.assertEqual(len(ids), len(expected) + 2)
                    self.assertEqual(ids[-2:], [1, 3])
                    for found, wanted in zip(ids, expected):
                        self.assertIn(found, (None, 7) if wanted == "odd" else (wanted,))
                    self.assertEqual(code, DONE)
                    self.assertNotIn("framing", log)

    def test_a_frame_may_be_cut_anywhere(self):
        whole = message(b"content-type: x\r\n" + LENGTH)
        for mode in MODES:
            with self.subTest(mode=mode), LspProcess(mode, self.folder) as server, server.client() as client:
                for cut in range(1, len(whole)):
                    client.send(whole[:cut])
                    client.send(whole[cut:])
                    self.assertEqual(client.receive()["id"], 7)
                client.send(whole * 3 + INITIALIZE + GOODBYE, piece_bytes=1)
                self.assertEqual([client.receive()["id"] for _ in range(5)], [7, 7, 7, 1, 3])
                self.assertEqual(server.wait(), DONE)

    def test_a_broken_frame_ends_the_connection_and_the_log_says_why(self):
        for mode in MODES:
            for number, broken in enumerate(BAD_STREAMS):
                # The ways to cut a stream take turns; in one piece, byte by byte, and in two.
                piece_bytes = (None, 1, len(broken) // 2 + 1)[number % 3] if len(broken) < 1000 else None
                with self.subTest(mode=mode, broken=broken[:80], piece_bytes=piece_bytes):
                    ids, code, log = self.serve(mode, NEXT + broken + NEXT + INITIALIZE + GOODBYE, piece_bytes)
                    self.assertIn(ids, ([8], [8, 7], [8, None]))  # the broken one may be answered: too short a length leaves a rest
                    self.assertEqual(code, FAILED)
                    self.assertEqual(log.count("framing: "), 1, log)

    def test_an_end_inside_a_message_is_told_from_one_behind_it(self):
        whole = message(b"Content-Type: x\r\n" + LENGTH)
        for mode in MODES:
            for end in range(0, len(whole) + 1, 4):
                with self.subTest(mode=mode, end=end):
                    ids, code, log = self.serve(mode, NEXT + whole[:end])
                    self.assertEqual(ids, [8])
                    self.assertEqual(code, FAILED)
                    self.assertEqual("inside a message" in log, end > 0, log)
                    self.assertIn("disconnected without 'exit'", log)

    def test_what_follows_exit_is_not_read(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                ids, code, log = self.serve(mode, INITIALIZE + GOODBYE + b"garbage\r\n" + NEXT)
                self.assertEqual((ids, code), ([1, 3], DONE))
                self.assertNotIn("framing", log)

    def test_exit_without_shutdown_is_a_failure(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                ids, code, _ = self.serve(mode, INITIALIZE + EXIT)
                self.assertEqual((ids, code), ([1], FAILED))


if __name__ == "__main__":
    unittest.main()
