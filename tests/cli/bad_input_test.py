"""Input that octet cannot use: each ends soon, with the documented exit code, a message that names the thing, and nothing
on standard output."""

import json
import os
import shutil
import struct
import time
import unittest

from octet import BIN, FAILED, MODEL, TINY_MODELS, USAGE, CliTest, as_int8, environment, peak_memory, run


class UsageTest(CliTest):
    def test_no_verb_or_an_unknown_one(self):
        self.refuse(USAGE, "verb")
        self.refuse(USAGE, "compleet", "compleet", "file.c", "--at", "1:1")

    def test_an_unknown_option_is_named(self):
        path, place = self.snippet()
        self.refuse(USAGE, "--colour", "complete", path, "--at", place, "--colour")
        self.refuse(USAGE, "--colour", "doctor", "--colour")
        self.refuse(USAGE, "--colour", "--colour")

    def test_a_word_that_an_option_does_not_know_is_refused(self):
        path, place = self.snippet()
        for option, word in (("--multiline", "0"), ("--multiline", "sometimes"), ("--device", "gpu"), ("--profile", "f16"), ("--max-bytes", "0")):
            with self.subTest(option=option, word=word):
                self.refuse(USAGE, option, "complete", path, "--at", place, option, word)

    def test_too_many_arguments_are_named(self):
        path, place = self.snippet()
        self.refuse(USAGE, "another.py", "complete", path, "another.py", "--at", place)

    def test_a_verb_without_what_it_needs(self):
        path, _ = self.snippet()
        self.refuse(USAGE, "--at", "complete", path)
        self.refuse(USAGE, "file", "complete", "--at", "1:1")
        self.refuse(USAGE, "model", "inspect")
        self.refuse(USAGE, "--at", "complete", path, "--at")

    def test_a_cursor_that_is_no_place(self):
        path, _ = self.snippet()
        for place in ("", "1", "1:", ":1", ":", "0:1", "1:0", "a:b", "1:b", "1:1:1", "+1:1", "1:+1", "1.5:1", " 1:1", "1:1 ", "0x1:1",
                      "1,1", "1:99999999999999999999", "99999999999:1", "\u0661:1"):
            with self.subTest(place=place):
                self.refuse(USAGE, ["--at", "LINE:COL"], "complete", path, f"--at={place}")

    def test_a_number_out_of_its_range(self):
        path, place = self.snippet()
        for option, values in {
            "--max-bytes": ("0", "-1", "4097", "1.5", "many", "", "99999999999999999999"),
            "--alternatives": ("0", "-1", "17", "two"),
            "--threads": ("0", "-1", "1025", "all"),
        }.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    self.refuse(USAGE, option, "complete", path, "--at", place, f"{option}={value}")

    def test_a_word_that_is_no_choice(self):
        path, place = self.snippet()
        for option, value in (("--multiline", "sometimes"), ("--device", "tpu"), ("--profile", "f16"), ("--log-level", "loud")):
            with self.subTest(option=option):
                self.refuse(USAGE, [option, value], "complete", path, "--at", place, option, value)


class SourceFileTest(CliTest):
    def test_a_missing_file(self):
        self.refuse(FAILED, self.folder / "missing.c", "complete", self.folder / "missing.c", "--at", "1:1")

    def test_what_is_no_regular_file(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)  # nobody writes: opening it would hang
        loop = self.folder / "loop"
        loop.symlink_to(loop)
        for path in (self.folder, fifo, loop, "/dev/zero", "/dev/null", self.folder / ("long" * 100)):
            with self.subTest(path=path):
                self.refuse(FAILED, path, "complete", path, "--at", "1:1")

    @unittest.skipIf(os.geteuid() == 0, "root reads every file")
    def test_a_file_that_may_not_be_read(self):
        path, place = self.snippet()
        path.chmod(0)
        self.refuse(FAILED, path, "complete", path, "--at", place)

    def test_a_cursor_out_of_range(self):
        path = self.write("two.c", "int a;\nint bc;\n")
        for place, names in {
            "4:1": ["line 4", "3 lines"], "999999999:1": ["line 999999999"], "1:8": ["column 8", "1 to 7"],
            "2:9": ["column 9", "1 to 8"], "3:2": ["column 2", "line 3"], "1:999999999": ["column 999999999"],
        }.items():
            with self.subTest(place=place):
                self.refuse(FAILED, names, "complete", path, "--at", place)

    def test_the_line_end_of_crlf_is_not_a_place(self):
        path = self.write("crlf.c", "int a;\r\nint b;\r\n")
        self.complete(path, "--at", "1:7")
        self.refuse(FAILED, "column 8", "complete", path, "--at", "1:8")

    def test_a_cursor_inside_a_character(self):
        path = self.write("umlaut.py", "é = '𝒳'\n")
        for column in (2, 8, 9, 10):
            with self.subTest(column=column):
                self.refuse(FAILED, [f"column {column}", "inside a character"], "complete", path, "--at", f"1:{column}")

    def test_a_binary_file(self):
        for content in (b"int a;\0", b"\0", b"int main() {\n  return\0 0;\n}\n"):
            path = self.write("binary.c", content)
            message = self.refuse(FAILED, [path, "NUL"], "complete", path, "--at", "1:1")
            self.assertIn(str(content.index(b"\0")), message, "the message says where")

    def test_a_file_of_200_mb_is_refused_unread(self):
        path = self.write("huge.c", "")
        os.truncate(path, 200 << 20)
        started = time.monotonic()
        self.refuse(FAILED, [path, str(200 << 20)], "complete", path, "--at", "1:1")
        self.assertLess(time.monotonic() - started, 5)
        code, n_bytes = peak_memory("complete", path, "--at", "1:1")
        self.assertEqual(code, FAILED)
        self.assertLess(n_bytes, 150 << 20)

    def test_the_greatest_size_is_read_and_one_byte_more_is_not(self):
        path = self.write("limit.c", b"int a;\n".rjust(64) * ((16 << 20) // 64))
        self.assertEqual(path.stat().st_size, 16 << 20)
        self.complete(path, "--at", "1:1", "--max-bytes", 1, "--model", TINY_MODELS[0])
        path.write_bytes(path.read_bytes() + b"\n")
        self.refuse(FAILED, path, "complete", path, "--at", "1:1")


class ModelFileTest(CliTest):
    def refuse_model(self, path, *names):
        """A model that no verb can use."""
        source, place = self.snippet()
        for arguments in (["complete", source, "--at", place, "--model", path], ["inspect", path]):
            with self.subTest(path=path, verb=arguments[0]):
                self.refuse(FAILED, [path, *names], *arguments)

    def test_a_truncated_model(self):
        for whole in (TINY_MODELS[0].read_bytes(), MODEL.read_bytes()):
            header_end = 8 + struct.unpack("<Q", whole[:8])[0]
            for length in (0, 1, 7, 8, 9, 100, header_end - 1, header_end, header_end + 1, len(whole) // 2, len(whole) - 1):
                self.refuse_model(self.write(f"cut-{length}.safetensors", whole[:length]))

    def test_a_model_with_bytes_behind_its_end(self):
        self.refuse_model(self.write("longer.safetensors", TINY_MODELS[0].read_bytes() + b"\0"))

    def test_a_model_whose_header_lies_about_its_length(self):
        whole = TINY_MODELS[0].read_bytes()
        for length in (0, 1, len(whole) - 8, len(whole), 1 << 31, 1 << 32, (1 << 63) - 1, (1 << 64) - 1, (1 << 64) - 8):
            self.refuse_model(self.write(f"length-{length}.safetensors", struct.pack("<Q", length) + whole[8:]))

    def test_a_model_of_another_format(self):
        whole = TINY_MODELS[0].read_bytes()
        self.assertEqual(whole.count(b"octet-1"), 1)
        self.refuse_model(self.write("other.safetensors", whole.replace(b"octet-1", b"octet-9")), "octet-9", "octet-1")

    def test_an_int8_model_with_a_scale_that_is_not_a_number(self):
        whole = bytearray(as_int8(TINY_MODELS[0].read_bytes()))
        header_end = 8 + struct.unpack("<Q", whole[:8])[0]
        begin, _ = json.loads(whole[8:header_end])["embed.scale"]["data_offsets"]
        whole[header_end + begin : header_end + begin + 4] = struct.pack("<f", float("nan"))
        self.refuse_model(self.write("scale.safetensors", bytes(whole)), "'embed.scale'", "nan")

    def test_a_model_that_is_something_else(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        for path in (self.write("text.safetensors", "This is not a model.\n" * 100), self.write("empty.safetensors", ""),
                     self.write("zeros.safetensors", bytes(4096)), self.folder, fifo, "/dev/zero", self.folder / "missing.safetensors"):
            self.refuse_model(path)

    def test_a_model_whose_output_is_not_a_number(self):
        whole = bytearray(TINY_MODELS[0].read_bytes())
        header_end = 8 + struct.unpack("<Q", whole[:8])[0]
        begin, end = json.loads(whole[8:header_end])["final_norm"]["data_offsets"]
        whole[header_end + begin : header_end + end] = struct.pack("<f", float("nan")) * ((end - begin) // 4)
        path = self.write("nan.safetensors", bytes(whole))
        source, place = self.snippet()
        self.refuse(FAILED, [path, "not a number"], "complete", source, "--at", place, "--model", path, "--json")
        self.assertEqual(run("complete", source, "--at", place, "--model", path).returncode, FAILED)
        self.assertEqual(run("doctor", "--model", path).returncode, FAILED)

    def test_a_large_file_that_is_no_model_is_refused_unread(self):
        path = self.write("sparse.safetensors", "")
        os.truncate(path, 1 << 30)
        self.refuse_model(path)
        code, n_bytes = peak_memory("inspect", path)
        self.assertEqual(code, FAILED)
        self.assertLess(n_bytes, 500 << 20, "its header is enough to see that it is no model")

    def test_the_environment_names_a_model_that_is_not_there(self):
        source, place = self.snippet()
        missing = self.folder / "missing.safetensors"
        self.refuse(FAILED, missing, "complete", source, "--at", place, env=environment(OCTET_MODEL=missing))

    def test_no_model_anywhere_says_where_it_was_looked_for(self):
        source, place = self.snippet()
        (self.folder / "bin").mkdir()
        lonely = shutil.copy(BIN, self.folder / "bin/octet")
        self.refuse(FAILED, ["no model", "share/octet"], "complete", source, "--at", place, binary=lonely,
                    env=environment(OCTET_MODEL=None))


class BackendTest(CliTest):
    def test_without_a_gpu_the_cpu_answers_and_says_so(self):
        source, place = self.snippet()
        options = ("complete", source, "--at", place, "--device", "cuda")
        env = environment(OCTET_CUDA_LIBRARY=self.folder / "missing.so")
        result = run(*options, env=env)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("no GPU is used: no CUDA library at " + str(self.folder / "missing.so"), result.stderr.decode())
        self.assertEqual(result.stdout, run(*options[:-2], env=env).stdout)
        report = json.loads(run(*options, "--json", env=env).stdout)
        self.assertEqual(report["device"], "cpu")
        self.assertIn("missing.so", report["device_note"])
        self.refuse(FAILED, ["cuda", "int8", "bf16", "f32"], *options, "--profile", "f32")
        self.refuse(FAILED, ["bf16", "needs a GPU", "missing.so", "--profile int8"], *options, "--profile", "bf16", env=env)

    def test_a_library_that_is_none_is_named(self):
        source, place = self.snippet()
        broken = self.write("broken.so", b"no library")
        result = run("complete", source, "--at", place, "--device", "cuda", env=environment(OCTET_CUDA_LIBRARY=broken))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("broken.so", result.stderr.decode())

    def test_an_instruction_set_that_is_not_there_is_an_error(self):
        source, place = self.snippet()
        self.refuse(FAILED, ["OCTET_FORCE_ISA", "abacus", "baseline"], "complete", source, "--at", place,
                    env=environment(OCTET_FORCE_ISA="abacus"))

    def test_output_that_cannot_be_written_fails_without_a_crash(self):
        source, place = self.snippet()
        for arguments in (["complete", source, "--at", place], ["complete", source, "--at", place, "--json"],
                          ["complete", source, "--at", place, "--raw", "--alternatives", 16], ["inspect", MODEL], ["doctor"], ["doctor", "--json"]):
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                result = run(*arguments, stdout=full)
                self.assertEqual(result.returncode, FAILED, result.stderr)
                self.assertNotIn(b"terminate called", result.stderr)

    def test_a_reader_that_went_away_fails_without_a_crash(self):
        source, place = self.snippet()
        for arguments in (["complete", source, "--at", place, "--raw"], ["inspect", MODEL], ["doctor"]):
            with self.subTest(arguments=arguments):
                reader, writer = os.pipe()
                os.close(reader)
                try:
                    result = run(*arguments, stdout=writer)
                finally:
                    os.close(writer)
                self.assertEqual(result.returncode, FAILED, result.stderr)
                self.assertNotIn(b"terminate called", result.stderr)


if __name__ == "__main__":
    unittest.main()
