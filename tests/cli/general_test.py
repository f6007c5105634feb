"""inspect, doctor, the logs, --help and --version, and where the default model is found."""

import hashlib
import json
import math
import os
import re
import shutil
import stat
import subprocess
import unittest

from lsp_process import INITIALIZE, frame, frames_of
from lsp_stdio_test import SESSION
from octet import BIN, DEFAULT_MODEL, DONE, FAILED, MODEL, SOURCE_DIR, TIMEOUT_S, TINY_MODELS, CliTest, as_int8, environment, run


class InspectTest(CliTest):
    def test_the_shipped_models_are_described(self):
        self.assertGreaterEqual(len(TINY_MODELS), 2)
        for model in (MODEL, *TINY_MODELS):
            with self.subTest(model=model.name):
                text = self.succeed("inspect", model)
                facts = dict(re.findall(r"^(\w+) +(.+)$", text.split("\n\n")[0], re.MULTILINE))
                self.assertEqual(facts["name"], model.stem)
                self.assertEqual(facts["format"], "octet-1")
                self.assertEqual(facts["sha256"], hashlib.sha256(model.read_bytes()).hexdigest())
                self.assertEqual(int(facts["bytes"]), model.stat().st_size)
                self.assertIn("max_context", json.loads(facts["config"]))
                tensors = re.findall(r"^(\S+) +F32 +(\[.*?\]) +(\d+)$", text, re.MULTILINE)
                self.assertIn("embed", [name for name, _, _ in tensors])
                for name, shape, n_bytes in tensors:
                    expected = 4
                    for extent in json.loads(shape):
                        expected *= extent
                    self.assertEqual(int(n_bytes), expected, name)
                dense, tables = map(int, re.fullmatch(r"(\d+) dense, (\d+) in tables", facts["parameters"]).groups())
                self.assertEqual(4 * (dense + tables), sum(int(n_bytes) for _, _, n_bytes in tensors))

    def test_the_default_model_is_packed_and_as_its_card_says(self):
        text = self.succeed("inspect", DEFAULT_MODEL)
        self.assertRegex(text, r"(?m)^unembed +I8 ")
        card = (DEFAULT_MODEL.parent / "MODEL_CARD.md").read_text()
        self.assertIn(hashlib.sha256(DEFAULT_MODEL.read_bytes()).hexdigest(), card)
        self.assertIn(f"{DEFAULT_MODEL.stat().st_size:,} bytes", card)

    def test_an_int8_model_shows_what_is_stored_and_counts_parameters_once(self):
        source, place = self.snippet()
        for original in TINY_MODELS:
            with self.subTest(model=original.name):
                model = self.write("int8.safetensors", as_int8(original.read_bytes()))
                text = self.succeed("inspect", model)
                parameters = re.search("^parameters .*$", text, re.MULTILINE).group()
                self.assertIn(parameters, self.succeed("inspect", original))
                stored = {name: (dtype, json.loads(shape))
                          for name, dtype, shape in re.findall(r"^(\S+) +(F32|I8) +(\[.*?\]) +\d+$", text, re.MULTILINE)}
                for name, (dtype, shape) in stored.items():
                    self.assertEqual(dtype, "I8" if len(shape) > 1 and not name.endswith(".scale") else "F32", name)
                    if dtype == "I8":
                        self.assertEqual(stored[name + ".scale"], ("F32", shape[:-1]))
                self.assertEqual(sum(math.prod(shape) for name, (_, shape) in stored.items() if not name.endswith(".scale")),
                                 sum(map(int, re.findall(r"\d+", parameters))))
                self.assertGreater(self.complete(source, "--at", place, "--raw", "--model", model)["bytes"], 0)
                self.assertIs(json.loads(self.succeed("doctor", "--json", "--model", model))["ok"], True)

    def test_a_file_that_is_no_model_is_named(self):
        self.refuse(FAILED, self.folder / "missing", "inspect", self.folder / "missing")
        self.refuse(FAILED, "CMakeLists.txt", "inspect", SOURCE_DIR / "CMakeLists.txt")


class DoctorTest(CliTest):
    def test_a_working_machine_is_ok(self):
        text = self.succeed("doctor")
        self.assertTrue(all(line.startswith("ok ") for line in text.splitlines()), text)
        for expected in ("device", "model", "self-test", "memory", str(MODEL), hashlib.sha256(MODEL.read_bytes()).hexdigest()):
            self.assertIn(expected, text)

    def test_json_says_the_same(self):
        report = json.loads(self.succeed("doctor", "--json"))
        self.assertEqual(set(report), {"version", "ok", "checks"})
        self.assertIs(report["ok"], True)
        self.assertEqual([check["name"] for check in report["checks"]], ["device", "model", "self-test", "folders", "memory"])
        for check in report["checks"]:
            self.assertEqual(set(check), {"name", "ok", "detail"})
            self.assertIs(check["ok"], True)
            self.assertNotEqual(check["detail"], "")

    def test_the_folders_are_those_of_the_xdg_variables(self):
        def folders(**variables):
            report = json.loads(self.succeed("doctor", "--json", env=environment(**variables)))
            return next(check["detail"] for check in report["checks"] if check["name"] == "folders")
        self.assertEqual(folders(XDG_CACHE_HOME="/a", XDG_STATE_HOME="/b"), "cache /a/octet, state /b/octet")
        self.assertEqual(folders(XDG_CACHE_HOME="a", XDG_STATE_HOME=None, HOME="/home/me"),
                         "cache /home/me/.cache/octet, state /home/me/.local/state/octet")
        nowhere = folders(XDG_CACHE_HOME=None, XDG_STATE_HOME=None, HOME=None)
        self.assertEqual(nowhere, "cache nowhere (neither XDG_CACHE_HOME nor HOME is set), state nowhere (neither XDG_STATE_HOME nor HOME is set)")

    def test_the_self_test_passes_with_every_model_and_instruction_set(self):
        for model in TINY_MODELS:
            self.assertIs(json.loads(self.succeed("doctor", "--json", "--model", model))["ok"], True)
        report = json.loads(self.succeed("doctor", "--json", env=environment(OCTET_FORCE_ISA="baseline")))
        self.assertIn("baseline", report["checks"][0]["detail"])

    def test_what_is_broken_is_named_and_fails(self):
        broken = self.write("broken.safetensors", MODEL.read_bytes()[:5000])
        for options, env, named in (
            (["--model", broken], environment(), str(broken)),
            ([], environment(OCTET_MODEL=self.folder / "missing"), str(self.folder / "missing")),
            ([], environment(OCTET_FORCE_ISA="abacus"), "abacus"),
            (["--device", "cuda"], environment(), "cuda"),
        ):
            with self.subTest(named=named):
                result = run("doctor", "--json", *options, env=env)
                self.assertEqual(result.returncode, FAILED, result.stderr)
                report = json.loads(result.stdout)
                self.assertIs(report["ok"], False)
                self.assertIn(named, " ".join(check["detail"] for check in report["checks"] if not check["ok"]))
                printed = run("doctor", *options, env=env)
                self.assertEqual(printed.returncode, FAILED)
                self.assertIn("FAILED", printed.stdout.decode())
                self.assertIn(named, printed.stdout.decode())

    def test_a_path_that_is_not_utf_8_still_gives_json(self):
        result = run("doctor", "--json", env=environment(OCTET_MODEL=b"/nowhere/\xff\xfe".decode("utf-8", "surrogateescape")))
        self.assertEqual(result.returncode, FAILED, result.stderr)
        self.assertIs(json.loads(result.stdout.decode("utf-8"))["ok"], False)


class HelpTest(CliTest):
    def test_version_names_the_program_and_the_model_format(self):
        self.assertRegex(self.succeed("--version"), r"\Aoctet \d+\.\d+\.\d+ \(model format octet-1\)\n\Z")

    def test_help_names_every_verb_and_common_option(self):
        text = self.succeed("--help")
        for expected in ("lsp", "complete", "inspect", "doctor", "--version",
                         "--model", "--device", "--threads", "--profile", "--log-level", "--log-file"):
            self.assertIn(expected, text)

    def test_help_of_a_verb_names_its_options(self):
        text = self.succeed("complete", "--help")
        for expected in ("--at", "--max-bytes", "--no-draft", "--multiline", "--alternatives", "--raw", "--json"):
            self.assertIn(expected, text)
        self.assertIn("--stdio", self.succeed("lsp", "--help"))
        self.assertIn("--json", self.succeed("doctor", "--help"))
        self.assertIn("model", self.succeed("inspect", "--help"))


class LogTest(CliTest):
    def test_a_log_file_takes_the_log_in_place_of_standard_error_and_grows(self):
        log = self.folder / "octet.log"
        for n_runs in (1, 2):
            result = run("lsp", "--stdio", "--log-file", log, stdin=b"garbage\n")
            self.assertEqual(result.returncode, FAILED)
            self.assertEqual(result.stderr, b"")
            self.assertEqual(log.read_text().count("framing"), n_runs)

    def test_a_log_file_is_its_user_s_alone_and_leaves_others_as_they_are(self):
        log = self.folder / "octet.log"
        run("lsp", "--stdio", "--log-file", log, stdin=b"garbage\n", umask=0)
        self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o600)
        log.chmod(0o640)
        run("lsp", "--stdio", "--log-file", log, stdin=b"garbage\n", umask=0)
        self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o640)

    def test_a_full_log_file_gets_a_number_and_the_oldest_goes(self):
        # Notifications before `initialize` are dropped, with a line that names their method.
        n_messages, n_bytes = 2400, 7000
        stream = b"".join(frame({"method": f"{number}/" + "x" * n_bytes}) for number in range(n_messages))
        self.assertGreater(len(stream), 16 << 20)
        log = self.folder / "octet.log"
        result = run("lsp", "--stdio", "--log-file", log, stdin=stream, umask=0)
        self.assertEqual(result.stderr, b"")
        files = sorted(self.folder.iterdir())
        self.assertEqual([file.name for file in files], ["octet.1.log", "octet.2.log", "octet.log"])
        for file in files:
            self.assertLessEqual(file.stat().st_size, 4 << 20)
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        text = "".join((self.folder / name).read_text() for name in ("octet.2.log", "octet.1.log", "octet.log"))
        numbers = [int(number) for number in re.findall(r" (\d+)/x", text)]
        self.assertEqual(numbers, list(range(numbers[0], n_messages)))
        self.assertGreater(len(text), 8 << 20)

    def test_what_is_no_regular_file_is_written_to_and_not_renamed(self):
        pipe = self.folder / "octet.log"
        os.mkfifo(pipe)
        stream = b"".join(frame({"method": "x" * 7000}) for _ in range(1200))
        with subprocess.Popen(["wc", "-c", pipe], stdout=subprocess.PIPE) as reader, \
                subprocess.Popen([BIN, "lsp", "--log-file", pipe], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as server:
            server.stdin.write(stream)
            server.stdin.close()
            self.assertEqual(server.wait(timeout=TIMEOUT_S), FAILED)
            self.assertGreater(int(reader.stdout.read().split()[0]), 8 << 20)
        self.assertEqual(os.listdir(self.folder), ["octet.log"])
        self.assertTrue(pipe.is_fifo())

    def test_the_log_levels_are_ordered(self):
        n_lines = []
        for level in ("trace", "debug", "info", "warn", "error", "off"):
            session = INITIALIZE + b"Content-Length: 2\r\n\r\n{}" + b"garbage\n"
            result = run("lsp", "--stdio", "--log-level", level, stdin=session)
            self.assertEqual(result.returncode, FAILED)
            self.assertEqual(len(frames_of(result.stdout)), 2)
            n_lines.append(result.stderr.count(b"\n"))
        self.assertEqual(n_lines, sorted(n_lines, reverse=True))
        self.assertGreater(n_lines[0], n_lines[4])
        self.assertEqual(n_lines[5], 0)

    def test_commands_are_silent_unless_asked(self):
        path, place = self.snippet()
        self.succeed("complete", path, "--at", place)
        self.assertEqual(run("complete", path, "--at", place, "--log-level", "off").stderr, b"")

    def test_a_log_file_that_cannot_be_opened_is_named(self):
        path, place = self.snippet()
        self.refuse(FAILED, self.folder, "complete", path, "--at", place, "--log-file", self.folder)
        self.refuse(FAILED, "/dev/null/octet.log", "lsp", "--stdio", "--log-file", "/dev/null/octet.log", stdin=SESSION)


class DefaultModelTest(CliTest):
    def setUp(self):
        super().setUp()
        self.source, self.place = self.snippet()

    def complete_from(self, binary_folder, model_folder):
        """A binary and a model laid out as in a build tree or an installation, with no variable to name the model."""
        for folder in (binary_folder, model_folder):
            (self.folder / folder).mkdir(parents=True)
        binary = shutil.copy(BIN, self.folder / binary_folder / "octet")
        shutil.copy(DEFAULT_MODEL, self.folder / model_folder / DEFAULT_MODEL.name)
        result = run("complete", self.source, "--at", self.place, "--json", binary=binary, env=environment(OCTET_MODEL=None), cwd="/")
        self.assertEqual(result.returncode, DONE, result.stderr)
        self.assertEqual(json.loads(result.stdout)["model"]["name"], DEFAULT_MODEL.stem)

    def test_it_is_found_from_a_build_tree(self):
        self.complete_from("build/release", "bytemodel/weights")

    def test_it_is_found_from_an_installation(self):
        self.complete_from("usr/bin", "usr/share/octet")

    def test_an_empty_variable_names_no_model(self):
        (self.folder / "bin").mkdir()
        lonely = shutil.copy(BIN, self.folder / "bin/octet")
        self.refuse(FAILED, "no model", "complete", self.source, "--at", self.place, binary=lonely, env=environment(OCTET_MODEL=""))


if __name__ == "__main__":
    unittest.main()
