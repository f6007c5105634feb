"""octet lsp on a Unix socket and on a TCP port (R15): who can connect, who is served, and what is left behind."""

import os
import signal
import socket
import stat
import subprocess
import unittest

from lsp_process import GOODBYE, INITIALIZE, MODES, Connection, LspProcess, frame
from octet import BIN, DONE, FAILED, IS_SANITIZED, USAGE, CliTest, run

N_WAITING = 8  # connections that may wait with no token
MAX_MESSAGE = 4096  # bytes before authentication


def listening_addresses(server):
    """Local addresses, in the kernel's hexadecimal, of the TCP sockets of a server that listen."""
    inodes = {target[len("socket:["):-1] for target in server.descriptors() if target.startswith("socket:[")}
    addresses = []
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{server.pid}/net/{table}", encoding="ascii") as lines:
            for fields in map(str.split, list(lines)[1:]):
                if fields[9] in inodes and fields[3] == "0A":
                    addresses.append(fields[1])
    return addresses


class SessionTest(CliTest):
    def test_every_mode_serves_a_session_and_ends_with_code_0(self):
        for mode in MODES:
            for piece_bytes in (None, 1):
                with self.subTest(mode=mode, piece_bytes=piece_bytes), LspProcess(mode, self.folder) as server:
                    answers = server.talk(INITIALIZE + GOODBYE, piece_bytes)
                    self.assertEqual([answer["id"] for answer in answers], [1, 3])
                    self.assertEqual(server.wait(), DONE, server.log())

    def test_a_client_that_leaves_ends_the_server_with_code_1(self):
        for mode in MODES:
            with self.subTest(mode=mode), LspProcess(mode, self.folder) as server:
                self.assertEqual([answer["id"] for answer in server.talk(INITIALIZE)], [1])
                self.assertEqual(server.wait(), FAILED)

    def test_standard_output_carries_one_line_and_then_nothing(self):
        for mode in MODES[1:]:
            with self.subTest(mode=mode), LspProcess(mode, self.folder) as server:
                with Connection(server.process.stdout, server.process.stdin) as rest:
                    self.assertEqual(rest.read(), b"")  # at its end while the server runs
                server.talk(INITIALIZE + GOODBYE)
                self.assertEqual(server.wait(), DONE)

    def test_a_line_that_nobody_can_read_is_a_failure(self):
        for arguments in (["--socket", self.folder / "octet.sock"], ["--port", "0"]):
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                result = run("lsp", *arguments, stdout=full)
                self.assertEqual(result.returncode, FAILED)
                self.assertIn(b"standard output", result.stderr)
        self.assertEqual(os.listdir(self.folder), [])

    def test_standard_input_and_output_need_no_socket(self):
        with LspProcess("stdio", self.folder) as server, server.client() as client:
            client.send(INITIALIZE)
            self.assertEqual(client.receive()["id"], 1)
            self.assertEqual([target for target in server.descriptors() if target.startswith("socket:")], [])
            client.send(GOODBYE)
            self.assertEqual(server.wait(), DONE)


class UnixSocketTest(CliTest):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "octet.sock"

    def refuse_path(self, path, *names):
        self.refuse(FAILED, [path, *names], "lsp", "--socket", path)

    def test_only_its_user_can_connect_whatever_the_umask(self):
        for umask in (0o000, 0o077, 0o177):
            with self.subTest(umask=umask), LspProcess("socket", self.folder, umask=umask) as server:
                self.assertEqual(server.where, {"socket": str(self.path)})
                self.assertEqual(stat.S_IMODE(self.path.lstat().st_mode), 0o600)
                server.talk(INITIALIZE + GOODBYE)

    def test_the_path_goes_when_a_client_is_there(self):
        with LspProcess("socket", self.folder) as server, server.client() as client:
            client.send(INITIALIZE)
            self.assertEqual(client.receive()["id"], 1)
            self.assertFalse(self.path.exists())
            with LspProcess("socket", self.folder) as second:  # which may have it
                self.assertTrue(self.path.exists())
                client.send(GOODBYE)
                self.assertEqual(server.wait(), DONE)
                self.assertTrue(self.path.exists(), "it is the second server's")
                second.talk(INITIALIZE + GOODBYE)
        self.assertFalse(self.path.exists())

    def test_a_signal_ends_the_server_and_the_path_goes(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number=number), LspProcess("socket", self.folder) as server:
                server.process.send_signal(number)
                self.assertEqual(server.wait(), -number)
                self.assertFalse(self.path.exists())

    def test_a_signal_that_is_ignored_stays_ignored(self):
        with LspProcess("socket", self.folder, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as server:
            self.assertTrue(server.status("SigIgn", base=16) & 1 << signal.SIGHUP - 1)
            self.assertFalse(server.status("SigIgn", base=16) & 1 << signal.SIGTERM - 1)
            server.process.send_signal(signal.SIGHUP)
            server.talk(INITIALIZE + GOODBYE)
            self.assertEqual(server.wait(), DONE)

    def test_the_socket_of_a_dead_server_is_replaced(self):
        with LspProcess("socket", self.folder) as server:
            server.process.kill()
            server.wait()
        self.assertTrue(stat.S_ISSOCK(self.path.lstat().st_mode))
        with LspProcess("socket", self.folder) as server:
            server.talk(INITIALIZE + GOODBYE)
            self.assertEqual(server.wait(), DONE)

    def test_a_socket_that_somebody_listens_on_is_refused_and_not_disturbed(self):
        with LspProcess("socket", self.folder) as server:
            self.refuse_path(self.path, "another process listens there")
            self.assertEqual([answer["id"] for answer in server.talk(INITIALIZE + GOODBYE)], [1, 3])
            self.assertEqual(server.wait(), DONE)
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with self.subTest(kind=kind), socket.socket(socket.AF_UNIX, kind) as other:
                other.bind(str(self.path))
                self.refuse_path(self.path, "another process listens there")
                self.path.unlink()

    def test_what_is_no_socket_stays_as_it_is(self):
        self.path.write_text("mine")
        self.refuse_path(self.path, "no socket")
        self.assertEqual(self.path.read_text(), "mine")
        self.refuse_path(self.folder, "no socket")
        link = self.folder / "link"
        link.symlink_to("nowhere")
        self.refuse_path(link, "no socket")
        self.assertTrue(link.is_symlink())
        self.refuse(FAILED, [self.folder / "missing", "No such file"], "lsp", "--socket", self.folder / "missing/octet.sock")
        self.refuse(FAILED, [self.path, "Not a directory"], "lsp", "--socket", self.path / "octet.sock")

    def test_the_length_of_the_path_is_checked(self):
        for n_bytes, code in ((107, DONE), (108, USAGE), (5000, USAGE)):
            path = str(self.folder) + "/" + "x" * (n_bytes - len(str(self.folder)) - 1)
            with self.subTest(n_bytes=n_bytes):
                if code == USAGE:
                    self.refuse(USAGE, ["--socket", "107", str(n_bytes)], "lsp", "--socket", path)
                    continue
                with subprocess.Popen([BIN, "lsp", "--socket", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
                    self.assertIn(path.encode(), server.stdout.readline())
                    server.terminate()
        self.refuse(USAGE, "--socket", "lsp", "--socket", "")
        self.assertEqual(os.listdir(self.folder), [])


class PortTest(CliTest):
    def turned_away(self, server, *streams):
        """Sends `streams` over a new connection, which the server must close without a word."""
        with server.connect() as stranger:
            for stream in streams:
                stranger.send(stream)
            self.assertIsNone(stranger.receive())

    def finish(self, server):
        """The server still serves who knows the token."""
        self.assertEqual([answer["id"] for answer in server.talk(INITIALIZE + GOODBYE)], [1, 3])
        self.assertEqual(server.wait(), DONE)
        self.assertNotIn(server.where["token"], server.log())

    def test_the_token_is_256_bits_and_new_each_time(self):
        tokens = set()
        for _ in range(3):
            with LspProcess("port", self.folder) as server:
                self.assertEqual(set(server.where), {"port", "token"})
                self.assertRegex(server.where["token"], r"\A[0-9a-f]{64}\Z")
                tokens.add(server.where["token"])
        self.assertEqual(len(tokens), 3)

    def test_it_listens_on_the_loopback_address_alone(self):
        with LspProcess("port", self.folder) as server:
            port = server.where["port"]
            self.assertEqual(listening_addresses(server), [f"0100007F:{port:04X}"])
            for address in ("127.0.0.2", "::1"):  # of this machine as well, but not the one that is bound
                with self.assertRaises(OSError):
                    socket.create_connection((address, port)).close()

    def test_a_port_can_be_chosen_and_one_that_is_taken_is_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.refuse(FAILED, [port, "in use"], "lsp", "--port", port)
        with subprocess.Popen([BIN, "lsp", "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
            self.assertIn(b'"port":%d,' % port, server.stdout.readline())
            server.terminate()

    def test_whoever_does_not_know_the_token_is_turned_away_and_others_may_try(self):
        with LspProcess("port", self.folder) as server:
            token = server.where["token"]
            wrong = "f" if token[0] != "f" else "e"
            for named, stream in (
                ("another", INITIALIZE),
                ("another", frame({"method": "octet/authentication", "params": {"token": token}})),
                ("another", frame({"id": 1, "result": {"token": token}})),
                ("another", b"Content-Length: 2\r\n\r\n{}"),
                ("another", b"Content-Length: 0\r\n\r\n"),
                ("another", b"Content-Length: 1\r\n\r\n{"),
                ("params.token", frame({"method": "octet/authenticate"})),
                ("params.token", frame({"method": "octet/authenticate", "params": token})),
                ("params.token", frame({"method": "octet/authenticate", "params": [token]})),
                ("params.token", frame({"method": "octet/authenticate", "params": {"token": int(token, 16)}})),
                ("params.token", frame({"method": "octet/authenticate", "params": {"token": [token]}})),
                ("wrong token", frame({"method": "octet/authenticate", "params": {"token": ""}})),
                ("wrong token", server.authenticate(wrong + token[1:])),
                ("wrong token", server.authenticate(token[:-1] + ("0" if token[-1] != "0" else "1"))),
                ("wrong token", server.authenticate(token[:-1])),
                ("wrong token", server.authenticate(token + "0")),
                ("wrong token", server.authenticate(token.upper() if token.upper() != token else "0" * 64)),
                ("wrong token", server.authenticate(token + "\0")),
                ("wrong token", server.authenticate("0" * 64, id=1)),
                ("framing", b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                ("framing", b"\x16\x03\x01\x02\x01\x01\n"),
                ("framing", b"Content-Length: 33554433\r\n\r\n"),
            ):
                with self.subTest(stream=stream):
                    before = server.log()
                    self.turned_away(server, stream, server.authenticate() + INITIALIZE)  # the second try comes too late
                    line = server.log()[len(before):]
                    self.assertEqual(line.count("turned away"), 1, line)
                    self.assertIn(named, line)
            self.finish(server)

    def test_a_first_message_that_is_too_large_is_not_waited_for(self):
        with LspProcess("port", self.folder) as server:
            padding = MAX_MESSAGE - len(server.authenticate(padding="x" * 1000)) + 1000
            whole = server.authenticate(padding="x" * padding)
            self.assertEqual(len(whole), MAX_MESSAGE)
            larger = server.authenticate(padding="x" * (padding + 1))
            self.turned_away(server, larger)
            self.turned_away(server, b"Content-Length: 33554432\r\n\r\n" + b"x" * MAX_MESSAGE)
            self.turned_away(server, b"Content-Type: x\r\n" * MAX_MESSAGE)
            self.assertEqual(server.log().count(f"not within {MAX_MESSAGE} bytes"), 3)
            with server.connect() as client:
                client.send(whole + INITIALIZE + GOODBYE, piece_bytes=7)
                self.assertEqual([answer["id"] for answer in client.receive_all()], [1, 3])
            self.assertEqual(server.wait(), DONE)

    def test_a_request_is_answered_with_null_before_anything_else(self):
        for piece_bytes in (None, 1):
            with LspProcess("port", self.folder) as server, server.connect() as client:
                client.send(server.authenticate(id="first") + INITIALIZE + GOODBYE, piece_bytes)
                self.assertEqual(client.receive(), {"jsonrpc": "2.0", "id": "first", "result": None})
                self.assertEqual([answer["id"] for answer in client.receive_all()], [1, 3])
                self.assertEqual(server.wait(), DONE)

    def test_there_is_one_client_and_nobody_else(self):
        with LspProcess("port", self.folder) as server:
            waiting = [server.connect() for _ in range(3)]
            with server.client() as client:
                client.send(INITIALIZE)
                self.assertEqual(client.receive()["id"], 1)
                for stranger in waiting:
                    stranger.send(server.authenticate())
                    self.assertIsNone(stranger.receive())
                    stranger.close()
                with self.assertRaises(ConnectionRefusedError):
                    server.connect()
                client.send(GOODBYE)
                self.assertEqual(server.wait(), DONE)

    def test_a_ninth_connection_is_closed_at_once(self):
        with LspProcess("port", self.folder) as server:
            waiting = [server.connect() for _ in range(N_WAITING)]
            for _ in range(3):
                self.turned_away(server)
            waiting[0].close()
            waiting[1].send(server.authenticate(id=0) + INITIALIZE + GOODBYE)  # those that wait may still authenticate
            self.assertEqual([answer["id"] for answer in waiting[1].receive_all()], [0, 1, 3])
            self.assertEqual(server.wait(), DONE)
            for stranger in waiting:
                stranger.close()

    def test_a_thousand_connections_cost_no_memory(self):
        with LspProcess("port", self.folder) as server:
            for _ in range(20):
                self.turned_away(server, server.authenticate("0" * 64))
            before = server.status("VmRSS")
            waiting = [server.connect() for _ in range(N_WAITING)]
            for number in range(1000):
                with server.connect() as stranger:
                    stranger.send(b"x" * (number % 5000))
                    self.assertIsNone(stranger.receive())
            grown_kb = server.status("VmRSS") - before
            for stranger in waiting:
                stranger.close()
            if not IS_SANITIZED:
                self.assertLess(grown_kb, 10_000)
            self.assertEqual(server.log().count("turned away: 8 others"), 1000)

    def test_connections_without_the_right_token_leave_no_descriptor_behind(self):
        with LspProcess("port", self.folder) as server:
            n_before = len(server.descriptors())
            for _ in range(100):
                self.turned_away(server, server.authenticate("0" * 64))
            self.assertEqual(len(server.descriptors()), n_before)
            self.finish(server)


class OptionsTest(CliTest):
    def test_the_modes_exclude_each_other(self):
        path = str(self.folder / "octet.sock")
        for arguments in (["--stdio", "--socket", path], ["--stdio", "--port", "0"], ["--socket", path, "--port", "0"]):
            with self.subTest(arguments=arguments):
                self.refuse(USAGE, [arguments[0], "excludes"], "lsp", *arguments)
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_port_that_is_none_is_refused(self):
        for port in ("65536", "99999999999999999999", "-1", "-0", "+1", "1e3", "0x1F", "1.0", " 1", "", "http", "80:80"):
            with self.subTest(port=port):
                self.refuse(USAGE, ["--port", "65535" if port else "missing"], "lsp", f"--port={port}")


if __name__ == "__main__":
    unittest.main()
