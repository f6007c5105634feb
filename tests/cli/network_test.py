"""octet doctor --network: the open sockets of running servers, in every mode."""

import json
import os
import socket
import subprocess
import unittest

from lsp_process import INITIALIZE, LspProcess
from octet import BIN, DONE, FAILED, CliTest, environment, run


class NetworkTest(CliTest):
    def doctor(self, server, code=DONE):
        """What the doctor says of one server: an object, and the lines of the text. Other servers may run on this machine as well."""
        result = run("doctor", "--network", "--json")
        self.assertEqual(result.returncode, code, result.stdout)
        report = json.loads(result.stdout)
        self.assertEqual(set(report), {"version", "ok", "processes"})
        self.assertIs(report["ok"], code == DONE)
        text = run("doctor", "--network")
        self.assertEqual(text.returncode, code)
        lines = text.stdout.decode().splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith(f"octet {server.pid} "))
        own = [lines[start]]
        for line in lines[start + 1 :]:
            if not line.startswith("  "):
                break
            own.append(line)
        return next(process for process in report["processes"] if process["pid"] == server.pid), own, lines[-1]

    def check_no_network(self, found, lines, mode):
        self.assertEqual(found["mode"], mode)
        self.assertEqual([entry for entry in found["sockets"] if entry["network"]], [])
        self.assertEqual(lines[0], f"octet {found['pid']} ({mode}): no network sockets")

    def test_standard_input_and_output_are_no_sockets(self):
        with LspProcess("stdio", self.folder) as server, server.client() as client:
            client.send(INITIALIZE)
            client.receive()
            found, lines, verdict = self.doctor(server)
            self.check_no_network(found, lines, "stdio")
            self.assertEqual(found["sockets"], [])
            self.assertTrue(verdict.startswith("ok: "), verdict)

    def test_pipes_of_an_editor_that_are_unix_sockets_are_no_network(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, subprocess.Popen([BIN, "lsp"], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=environment()) as server:
            found, lines, _ = self.doctor(server)
            self.check_no_network(found, lines, "stdio")
            self.assertEqual({entry["protocol"] for entry in found["sockets"]}, {"unix"})
            server.kill()

    def test_a_unix_socket_is_listed_with_its_path_and_is_no_network(self):
        with LspProcess("socket", self.folder) as server:
            path = server.where["socket"]
            found, lines, _ = self.doctor(server)
            self.check_no_network(found, lines, "socket")
            expected = {"protocol": "unix", "local": path, "remote": "", "state": "LISTEN", "network": False, "loopback": True}
            self.assertEqual(found["sockets"], [expected])
            self.assertIn(path, lines[1])
            with server.client() as client:
                client.send(INITIALIZE)
                client.receive()
                found, lines, _ = self.doctor(server)
                self.check_no_network(found, lines, "socket")
                self.assertEqual(found["sockets"], [{**expected, "state": "ESTABLISHED"}])

    def test_a_port_is_listed_and_is_on_a_loopback_address_before_and_after_it_has_a_client(self):
        with LspProcess("port", self.folder) as server:
            local = f"127.0.0.1:{server.where['port']}"
            expected = {"protocol": "tcp", "local": local, "remote": "0.0.0.0:0", "state": "LISTEN", "network": True, "loopback": True}
            found, lines, verdict = self.doctor(server)
            self.assertEqual((found["mode"], found["sockets"]), ("port", [expected]))
            self.assertEqual(lines[0], f"octet {server.pid} (port)")
            self.assertIn(local, lines[1])
            self.assertEqual(verdict, "ok: network sockets on loopback addresses only")
            with server.client() as client:
                client.send(INITIALIZE)
                client.receive()
                remote = "{}:{}".format(*client.source.getsockname())
                found, _, _ = self.doctor(server)
                self.assertEqual(found["sockets"], [{**expected, "remote": remote, "state": "ESTABLISHED"}])

    def test_a_socket_that_others_can_reach_is_a_failure(self):
        for protocol, state, kind in (("tcp", "LISTEN", socket.SOCK_STREAM), ("udp", "UNCONNECTED", socket.SOCK_DGRAM)):
            with self.subTest(protocol=protocol), socket.socket(socket.AF_INET, kind) as reachable:
                reachable.bind(("0.0.0.0", 0))
                if kind == socket.SOCK_STREAM:
                    reachable.listen()
                with LspProcess("stdio", self.folder, pass_fds=[reachable.fileno()]) as server:
                    found, lines, verdict = self.doctor(server, FAILED)
                    self.assertEqual(found["sockets"], [{"protocol": protocol, "local": f"0.0.0.0:{reachable.getsockname()[1]}",
                                                         "remote": "0.0.0.0:0", "state": state, "network": True, "loopback": False}])
                    self.assertNotIn("no network sockets", lines[0])
                    self.assertTrue(verdict.startswith("FAILED: "), verdict)

    def test_a_server_that_has_ended_is_not_listed_even_before_its_parent_asks(self):
        with LspProcess("stdio", self.folder) as server:
            server.process.kill()
            os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
            report = json.loads(run("doctor", "--network", "--json").stdout)
            self.assertNotIn(server.pid, [process["pid"] for process in report["processes"]])

    def test_no_model_is_needed(self):
        result = run("doctor", "--network", env=environment(OCTET_MODEL=self.folder / "missing"))
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.assertEqual(result.stderr, b"")


if __name__ == "__main__":
    unittest.main()
