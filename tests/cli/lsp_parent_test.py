"""octet lsp ends with the process that the client named as its own."""

import os
import subprocess
import sys
import threading
import unittest

from lsp_process import GOODBYE, MODES, LspProcess, frame, initialize
from octet import DONE, FAILED, CliTest

UNKNOWN = frame({"id": 9, "method": "no/such/method"})


def parent():
    """A process that waits for ever."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class ParentTest(CliTest):
    def test_the_server_ends_when_its_parent_is_killed(self):
        for mode in MODES:
            with self.subTest(mode=mode), parent() as editor, LspProcess(mode, self.folder) as server, server.client() as client:
                client.send(initialize(editor.pid) + UNKNOWN)
                self.assertEqual([client.receive()["id"] for _ in range(2)], [1, 9])
                self.assertIsNone(server.process.poll())
                # The kernel's handle of the process, which tells of its end at once; asking now and then would be late.
                self.assertTrue(any("pidfd" in target for target in server.descriptors()))
                editor.kill()  # and its exit code is not asked for: it stays a zombie
                self.assertIsNone(client.receive())
                self.assertEqual(server.wait(), FAILED)
                self.assertIn(f"process {editor.pid}", server.log())

    def test_a_parent_that_is_gone_already_ends_the_server(self):
        with parent() as editor:
            editor.kill()
        with LspProcess("stdio", self.folder) as server, server.client() as client:
            client.send(initialize(editor.pid))
            self.assertEqual(server.wait(), FAILED)
            self.assertIn(f"process {editor.pid}", server.log())

    def test_the_end_of_a_session_is_what_it_was_while_the_parent_lives(self):
        for mode in MODES:
            with self.subTest(mode=mode), LspProcess(mode, self.folder) as server:
                self.assertEqual([answer["id"] for answer in server.talk(initialize(os.getpid()) + GOODBYE)], [1, 3])
                self.assertEqual(server.wait(), DONE)

    def test_what_is_no_process_id_is_not_watched(self):
        for process_id in (None, 0, -1, 1.5, "1", True, [os.getpid()], {}, 2**31, 2**63, 2**64, -(2**63)):
            with self.subTest(process_id=process_id), LspProcess("stdio", self.folder) as server:
                self.assertEqual([answer["id"] for answer in server.talk(initialize(process_id) + UNKNOWN + GOODBYE)], [1, 9, 3])
                self.assertEqual(server.wait(), DONE)

    def test_a_process_that_the_system_gives_no_handle_of_is_watched_as_well(self):
        # A thread that is not its process's first: there is no pidfd of it.
        wait_for_end = threading.Event()
        thread = threading.Thread(target=wait_for_end.wait)
        thread.start()
        self.addCleanup(wait_for_end.set)
        with self.assertRaises(OSError):
            os.pidfd_open(thread.native_id)
        with LspProcess("stdio", self.folder) as server, server.client() as client:
            client.send(initialize(thread.native_id) + UNKNOWN)
            self.assertEqual([client.receive()["id"] for _ in range(2)], [1, 9])
            self.assertIsNone(server.process.poll())
            wait_for_end.set()
            thread.join()
            self.assertEqual(server.wait(), FAILED)


if __name__ == "__main__":
    unittest.main()
