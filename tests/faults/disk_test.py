"""Files that fail (R9): a full disk, a folder that cannot be written, a model that changes under the server."""

import json
import os
import resource
import shutil
import subprocess
import unittest

from octet_session import (BIN, COMPLETE, DONE, EXIT, FAILED, INITIALIZE, INITIALIZED, MODEL, OPEN, SESSION, SHUTDOWN, TIMEOUT_S, CliTest,
                           check_answers, check_end, environment, frame, run)


def limit_file_size(n_bytes):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


class FullDiskTest(CliTest):
    def test_a_log_on_a_full_disk_changes_nothing(self):
        check_answers(self, run("lsp", "--stdio", "--log-level", "trace", "--log-file", "/dev/full", stdin=SESSION))

    def test_a_log_that_may_not_grow_changes_nothing(self):
        check_answers(self, run("lsp", "--stdio", "--log-level", "trace", "--log-file", self.folder / "log", stdin=SESSION,
                                preexec_fn=limit_file_size(100)))

    def test_answers_that_cannot_be_written_end_the_server(self):
        with open("/dev/full", "wb") as full:
            check_end(self, run("lsp", "--stdio", stdin=SESSION, stdout=full))  # ends as the client asks for before it is known
            self.assertEqual(run("lsp", "--stdio", stdin=INITIALIZE, stdout=full).returncode, FAILED)

    def test_a_completion_that_cannot_be_written_fails(self):
        file, cursor = self.snippet()
        with open("/dev/full", "wb") as full:
            self.assertEqual(run("complete", file, "--at", cursor, stdout=full).returncode, FAILED)

    def workspace_session(self):
        """A session whose end stores the memory of a folder with a file."""
        workspace = self.folder / "workspace"
        workspace.mkdir(exist_ok=True)
        (workspace / "a.py").write_text("value = 1\n" * 1000)
        folders = [{"uri": workspace.as_uri(), "name": "w"}]
        initialize = frame({"id": 1, "method": "initialize", "params": {"capabilities": {}, "workspaceFolders": folders}})
        return initialize + INITIALIZED + OPEN + COMPLETE + SHUTDOWN + EXIT

    def test_a_memory_that_cannot_be_stored_changes_nothing(self):
        for cache in ("/dev/full", "/proc/no", self.write("file", "")):
            with self.subTest(cache=cache):
                check_answers(self, run("lsp", "--stdio", stdin=self.workspace_session(), env=environment(XDG_CACHE_HOME=cache)))

    def test_a_memory_that_finds_no_room_leaves_no_file(self):
        cache = self.folder / "cache"
        check_answers(self, run("lsp", "--stdio", stdin=self.workspace_session(), env=environment(XDG_CACHE_HOME=cache),
                                preexec_fn=limit_file_size(100)))
        self.assertEqual([path for path in cache.rglob("*") if path.is_file()], [])


class ChangingModelTest(CliTest):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "model.safetensors"
        shutil.copy(MODEL, self.model)

    def start(self):
        process = subprocess.Popen([BIN, "lsp", "--stdio", "--model", str(self.model)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for pipe in (process.stdin, process.stdout, process.stderr):
            self.addCleanup(pipe.close)
        return process

    def answer(self, process, message):
        """Sends a request and reads its answer, the next message that has an id."""
        process.stdin.write(message)
        process.stdin.flush()
        while True:
            length = int(process.stdout.readline().split(b":")[1])
            process.stdout.readline()
            body = json.loads(process.stdout.read(length))
            if "id" in body and "method" not in body:
                return body

    def end(self, process):
        self.answer(process, SHUTDOWN)
        process.stdin.write(EXIT)
        process.stdin.flush()
        self.assertEqual(process.wait(timeout=TIMEOUT_S), DONE)

    def test_a_model_that_changes_once_it_is_read_changes_nothing(self):
        garbage = self.write("garbage", b"\xff" * 100_000)

        def truncate():
            os.truncate(self.model, 0)

        def overwrite():
            with open(self.model, "r+b") as file:
                file.write(b"\xff" * 1_000_000)

        for change in (truncate, overwrite, lambda: os.replace(garbage, self.model), lambda: os.unlink(self.model)):
            with self.subTest(change=change):
                shutil.copy(MODEL, self.model)
                process = self.start()
                self.answer(process, INITIALIZE)
                process.stdin.write(INITIALIZED + OPEN)
                before = self.answer(process, COMPLETE)["result"]
                self.assertNotEqual(before["items"], [])
                change()
                other = COMPLETE.replace(b'"character": 27', b'"character": 20')
                self.assertIn("items", self.answer(process, other)["result"])
                self.assertEqual(self.answer(process, COMPLETE)["result"], before)
                self.end(process)

    def test_a_model_that_is_cut_while_it_is_read_is_refused_or_read(self):
        n_bytes = MODEL.stat().st_size
        for i in range(12):
            with self.subTest(i=i):
                shutil.copy(MODEL, self.model)
                process = self.start()  # and not waited for: the cut comes before, while or after the model is read
                if i % 2:
                    self.answer(process, INITIALIZE)
                os.truncate(self.model, n_bytes * i // 12)
                if not i % 2:
                    self.answer(process, INITIALIZE)
                process.stdin.write(INITIALIZED + OPEN)
                self.assertIn("items", self.answer(process, COMPLETE)["result"])
                self.end(process)


if __name__ == "__main__":
    unittest.main()
