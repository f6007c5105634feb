"""Signals (R9): reads and writes that are interrupted, readers that go away, limits that send one."""

import os
import signal
import subprocess
import unittest

from octet_session import BIN, DONE, EXIT, FAILED, IDS, INITIALIZE, SESSION, TIMEOUT_S, CliTest, environment, frames_of


class SignalTest(CliTest):
    def start(self, **pipes):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, **pipes}
        process = subprocess.Popen([BIN, "lsp", "--stdio"], env=environment(), bufsize=0, **pipes)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                self.addCleanup(pipe.close)
        return process

    def test_a_session_that_is_stopped_and_continued_at_every_byte_is_the_same(self):
        process = self.start()
        for byte in SESSION[:-1]:
            process.stdin.write(bytes([byte]))
            process.send_signal(signal.SIGSTOP)  # waits in the kernel return early when it goes on
            process.send_signal(signal.SIGCONT)
        stdout, _ = process.communicate(SESSION[-1:], timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, DONE)
        self.assertEqual([answer.get("id") for answer in frames_of(stdout)], IDS)

    def test_answers_to_a_slow_reader_survive_interruptions(self):
        process = self.start()
        body = b'{"jsonrpc":"2.0","id":7,"method":"no/such/method"}'
        n_requests = 3000  # their answers are more than a pipe holds
        writer = os.fork()
        if writer == 0:
            for _ in range(n_requests):
                os.write(process.stdin.fileno(), b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            os.write(process.stdin.fileno(), EXIT)
            os._exit(0)
        process.stdin.close()
        received = b""
        while chunk := process.stdout.read(4096):
            received += chunk
            if process.poll() is None:
                process.send_signal(signal.SIGSTOP)
                process.send_signal(signal.SIGCONT)
        os.waitpid(writer, 0)
        self.assertEqual(process.wait(timeout=TIMEOUT_S), FAILED)  # exit without shutdown
        self.assertEqual([answer["id"] for answer in frames_of(received)], [7] * n_requests)

    def test_a_log_that_nobody_reads_changes_nothing(self):
        reader, writer = os.pipe()
        process = self.start(stderr=writer)
        os.close(writer)
        os.close(reader)
        stdout, _ = process.communicate(SESSION, timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, DONE)
        self.assertEqual([answer.get("id") for answer in frames_of(stdout)], IDS)

    def test_readers_that_go_away_together_end_the_server(self):
        reader, writer = os.pipe()
        process = self.start(stdout=writer, stderr=writer)
        os.close(writer)
        os.close(reader)
        process.stdin.write(INITIALIZE)
        self.assertEqual(process.wait(timeout=TIMEOUT_S), FAILED)


if __name__ == "__main__":
    unittest.main()
