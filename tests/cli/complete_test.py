"""octet complete: what it prints for real files, and what every option promises."""

import hashlib
import json
import unittest

from octet import DEFAULT_MODEL, IS_SANITIZED, MODEL, SNIPPET, SOURCE_DIR, TINY_MODELS, CliTest, cursor_after, environment, peak_memory

FIELDS = {
    "text": str, "stop_reason": str, "prompt_bytes": int, "reused_bytes": int, "steps": int, "drafted": int, "accepted": int,
    "bytes": int, "confidence": float, "sources": list, "device": str, "device_note": str, "isa": str, "profile": str, "ms": dict, "model": dict,
}
STAGES = {"load", "context", "prefill", "decode", "first_byte", "total"}
STOP_REASONS = {"end", "line_end", "blank_line", "dedent", "block_end", "suffix_met", "unsafe_text", "low_confidence", "syntax", "byte_budget",
                "time_budget", "context_full"}

# Real files of this repository and what stands before the cursor in them.
PLACES = [
    ("lsp/position.cpp", b"  if (end == "),
    ("lsp/server.cpp", b"spdlog::info("),
    ("engine/completer.cpp", b"  const auto "),
    ("bytemodel/result.h", b"namespace "),
    ("tests/cli/octet.py", b"self.assert"),
    ("tests/cli/octet.py", b"    def "),
    ("tests/clients/node/positions.js", b"  return "),
    ("tests/clients/node/client.js", b"  const "),
    ("CMakeLists.txt", b"cmake_minimum_required("),
    ("tests/clients/node/package.json", b'  "'),
]


class CompleteTest(CliTest):
    def test_real_files_in_several_languages_are_completed(self):
        n_offered = 0
        for name, needle in PLACES:
            with self.subTest(file=name, needle=needle):
                path = SOURCE_DIR / name
                text = self.succeed("complete", path, "--at", cursor_after(path.read_bytes(), needle))
                self.assertTrue(text.endswith("\n"))
                n_offered += text.strip() != ""
        self.assertGreater(n_offered, len(PLACES) / 2)

    def test_json_has_the_documented_fields_and_no_others(self):
        path, place = self.snippet()
        result = self.complete(path, "--at", place)
        self.assertEqual(set(result), set(FIELDS))
        for name, kind in FIELDS.items():
            self.assertIs(type(result[name]), kind, name)
        self.assertEqual(sum(run["bytes"] for run in result["sources"]), len(result["text"].encode()))
        self.assertTrue({run["source"] for run in result["sources"]} <= {"net", "memory", "both"})
        self.assertEqual(set(result["ms"]), STAGES)
        self.assertEqual(set(result["model"]), {"name", "sha256"})
        self.assertEqual(result["model"], {"name": "octet-seed", "sha256": hashlib.sha256(MODEL.read_bytes()).hexdigest()})
        self.assertEqual((result["device"], result["profile"]), ("cpu", "int8"))

    def test_json_fields_agree_with_each_other(self):
        for name, needle in PLACES:
            path = SOURCE_DIR / name
            with self.subTest(file=name, needle=needle):
                result = self.complete(path, "--at", cursor_after(path.read_bytes(), needle))
                self.assertEqual(result["bytes"], len(result["text"].encode()))
                self.assertLessEqual(result["accepted"], result["drafted"])
                self.assertLessEqual(result["bytes"], 256)
                self.assertGreaterEqual(result["steps"] + result["accepted"] + 1, result["bytes"])
                self.assertGreater(result["prompt_bytes"], 0)
                self.assertEqual(result["reused_bytes"], 0, "a first completion has nothing to reuse")
                self.assertTrue(0 <= result["confidence"] <= 1)
                self.assertIn(result["stop_reason"], STOP_REASONS)
                ms = result["ms"]
                self.assertTrue(all(value >= 0 for value in ms.values()), ms)
                self.assertLessEqual(ms["context"] + ms["prefill"] + ms["decode"], ms["total"] * 1.01 + 0.1)
                self.assertLessEqual(ms["first_byte"], ms["total"])

    def test_standard_output_without_json_is_the_text_and_a_newline(self):
        path, place = self.snippet()
        expected = self.complete(path, "--at", place)["text"]
        self.assertNotEqual(expected, "")
        self.assertEqual(self.succeed("complete", path, "--at", place), expected + "\n")

    def test_the_same_question_has_the_same_answer(self):
        path, place = self.snippet()
        self.assertEqual(self.complete(path, "--at", place)["text"], self.complete(path, "--at", place)["text"])

    def test_no_draft_gives_the_same_text_without_drafting(self):
        for name, needle in PLACES:
            path = SOURCE_DIR / name
            with self.subTest(file=name, needle=needle):
                place = cursor_after(path.read_bytes(), needle)
                drafted = self.complete(path, "--at", place)
                plain = self.complete(path, "--at", place, "--no-draft")
                self.assertEqual(plain["text"], drafted["text"])
                self.assertEqual(plain["stop_reason"], drafted["stop_reason"])
                self.assertEqual((plain["drafted"], plain["accepted"]), (0, 0))
                self.assertLessEqual(drafted["steps"], plain["steps"])

    def test_drafting_saves_steps(self):
        path, place = self.snippet()
        drafted = self.complete(path, "--at", place, "--raw", "--max-bytes", 100)
        self.assertGreater(drafted["accepted"], 0)
        self.assertLess(drafted["steps"], self.complete(path, "--at", place, "--raw", "--max-bytes", 100, "--no-draft")["steps"])

    def test_max_bytes_cuts_the_same_text_earlier(self):
        path, place = self.snippet()
        whole = self.complete(path, "--at", place, "--raw", "--max-bytes", 120)["text"].encode()
        for limit in (1, 2, 7, 8, 9, 33, 119):
            with self.subTest(limit=limit):
                result = self.complete(path, "--at", place, "--raw", "--max-bytes", limit)
                self.assertLessEqual(result["bytes"], limit)
                self.assertTrue(whole.startswith(result["text"].encode()))
                if result["bytes"] < len(whole):
                    self.assertEqual((result["stop_reason"], result["bytes"]), ("byte_budget", limit))

    def test_the_greatest_max_bytes_ends_within_the_context_of_the_model(self):
        path, place = self.snippet()
        result = self.complete(path, "--at", place, "--raw", "--max-bytes", 4096)
        self.assertLessEqual(result["prompt_bytes"] + result["bytes"], 1024)

    def test_multiline_never_stays_on_the_line_and_always_may_leave_it(self):
        source = "int area(int width, int height) {\n"
        (self.folder / "geometry").mkdir()
        path = self.write("geometry/area.c", source + "\n")
        place = cursor_after(source.encode(), b"height) {")

        def text(*options):
            return self.complete(path, "--at", place, "--workspace", "none", *options)["text"]

        self.assertNotIn("\n", text("--multiline", "never"))
        self.assertIn("\n", text("--multiline", "always"))
        self.assertEqual(text("--multiline", "auto"), text())
        self.assertEqual(text(), text("--multiline", "always"), "a line that opens a block asks for the block")
        self.assertEqual(self.succeed("complete", path, "--at", place, "--multiline", "never").count("\n"), 1)

    def test_raw_text_continues_what_the_stop_rules_leave_of_it(self):
        n_longer = 0
        for name, needle in PLACES:
            path = SOURCE_DIR / name
            with self.subTest(file=name, needle=needle):
                place = cursor_after(path.read_bytes(), needle)
                ruled = self.complete(path, "--at", place)
                raw = self.complete(path, "--at", place, "--raw")
                self.assertTrue(raw["text"].startswith(ruled["text"]), (ruled["text"], raw["text"]))
                self.assertIn(raw["stop_reason"], {"end", "byte_budget", "context_full"})
                n_longer += raw["bytes"] > ruled["bytes"]
        self.assertGreater(n_longer, 0)

    def test_alternatives_are_distinct_and_the_first_is_the_plain_answer(self):
        path, place = self.snippet()
        result = self.complete(path, "--at", place, "--alternatives", 3)
        texts = [result["text"], *result["alternatives"]]
        self.assertEqual(set(result), set(FIELDS) | {"alternatives"})
        self.assertEqual(result["text"], self.complete(path, "--at", place)["text"])
        self.assertEqual(len(texts), 3)
        self.assertEqual(len(set(texts)), 3)
        self.assertTrue(all(texts))
        printed = self.succeed("complete", path, "--at", place, "--alternatives", 3)
        self.assertEqual(printed, "\n--- or\n".join(texts) + "\n")

    def test_one_alternative_is_the_default(self):
        path, place = self.snippet()
        plain = self.complete(path, "--at", place)
        self.assertEqual(self.complete(path, "--at", place, "--alternatives", 1)["text"], plain["text"])
        self.assertNotIn("alternatives", plain)

    def test_options_stand_before_or_behind_the_verb(self):
        path, place = self.snippet()
        expected = self.complete(path, "--at", place)["text"]
        self.assertEqual(self.complete(path, "--at", place, "--device", "cpu", "--threads", 1, "--profile", "int8")["text"], expected)
        before = self.succeed("--device", "auto", "--model", MODEL, "complete", "--json", "--at", place, path)
        self.assertEqual(json.loads(before)["text"], expected)

    @unittest.skipIf(IS_SANITIZED, "sanitizers keep memory of their own")
    def test_memory_stays_within_64_mb_of_the_model_file(self):
        path, place = self.snippet()
        for model in (MODEL, DEFAULT_MODEL):
            code, peak = peak_memory("complete", path, "--at", place, "--raw", "--model", model)
            self.assertEqual(code, 0)
            self.assertLessEqual(peak, model.stat().st_size + (64 << 20))

    def test_the_number_of_threads_changes_nothing_but_the_time(self):
        path, place = self.snippet()
        expected = self.complete(path, "--at", place, "--threads", 1, "--raw")["text"]
        for threads in (2, 3, 7):
            self.assertEqual(self.complete(path, "--at", place, "--threads", threads, "--raw")["text"], expected)

    def test_both_profiles_complete(self):
        path, place = self.snippet()
        for profile in ("int8", "f32"):
            result = self.complete(path, "--at", place, "--profile", profile)
            self.assertEqual(result["profile"], profile)
            self.assertNotEqual(result["text"], "")

    def test_every_instruction_set_gives_the_same_text(self):
        path, place = self.snippet()
        default = self.complete(path, "--at", place)
        baseline = self.complete(path, "--at", place, env=environment(OCTET_FORCE_ISA="baseline"))
        self.assertEqual(baseline["isa"], "baseline")
        self.assertEqual(baseline["text"], default["text"])

    def test_the_model_option_wins_over_the_environment(self):
        path, place = self.snippet()
        for model in TINY_MODELS:
            result = self.complete(path, "--at", place, "--model", model)
            self.assertEqual(result["model"]["sha256"], hashlib.sha256(model.read_bytes()).hexdigest())
        by_environment = self.complete(path, "--at", place, env=environment(OCTET_MODEL=TINY_MODELS[0]))
        self.assertEqual(by_environment["model"]["name"], TINY_MODELS[0].stem)

    def test_an_empty_file_is_completed_at_its_start(self):
        for extra in ([], ["--raw"], ["--multiline", "always"]):
            self.complete(self.write("empty.py", ""), "--at", "1:1", *extra)

    def test_every_place_of_a_text_is_a_cursor(self):
        text = "é = 1\r\n\r\nif é:\r\n\tx = '𝒳'"
        path = self.write("places.py", text)
        for line, content in enumerate(text.encode().split(b"\r\n"), 1):
            for column in range(1, len(content) + 2):
                if column <= len(content) and content[column - 1] & 0xC0 == 0x80:
                    continue
                self.complete(path, "--at", f"{line}:{column}", "--max-bytes", 1, "--model", TINY_MODELS[0])

    def test_text_that_is_not_utf_8_is_completed_with_text_that_is(self):
        for content in (SNIPPET.encode("utf-16-le").replace(b"\0", b"\xff"), b"caf\xe9 = 'na\xefve'\nprint(caf", b"\xfb\xfc\xfd\xfe\xff" * 50):
            path = self.write("latin.py", content)
            last = content.rfind(b"\n") + 1
            result = self.complete(path, "--at", f"{content.count(bytes([10])) + 1}:{len(content) - last + 1}")
            self.assertEqual(result["bytes"], len(result["text"].encode()))

    def test_a_large_file_is_completed_at_both_ends_and_in_the_middle(self):
        source = (SOURCE_DIR / "lsp/protocol.cpp").read_bytes()
        content = source * (2 * 1024 * 1024 // len(source))
        path = self.write("large.cpp", content)
        n_lines = content.count(b"\n")
        for line in (1, n_lines // 2, n_lines + 1):
            result = self.complete(path, "--at", f"{line}:1", "--max-bytes", 16)
            self.assertLessEqual(result["prompt_bytes"], 1024)


if __name__ == "__main__":
    unittest.main()
