"""octet-bench: what its verbs print and write, on models so small that nothing takes long."""

import html.parser
import json
import os
import re
import sys
import unittest

from octet import BIN, DEFAULT_MODEL, FAILED, MODEL, SOURCE_DIR, USAGE, CliTest, environment, run

EMULATED_CUDA = os.environ.get("OCTET_EMULATED_CUDA", "")
BENCH = BIN.parent / "octet-bench"
TINY = "64,2,2,1,128,512"


def bench(*arguments, env=None):
    return run(*arguments, binary=BENCH, env=env)


class SignatureTest(CliTest):
    def test_it_is_the_same_for_every_instruction_set_and_number_of_threads(self):
        def signature(*arguments, **changes):
            result = bench("signature", "--model", DEFAULT_MODEL, "--max-bytes", 12, *arguments, env=environment(**changes))
            self.assertEqual(result.returncode, 0, result.stderr)
            return result.stdout.decode().splitlines()[-1]

        expected = signature("--threads", 1)
        self.assertRegex(expected, r"\ASignature: [0-9a-f]{16}\Z")
        for threads in (2, 3, 4):
            self.assertEqual(signature("--threads", threads), expected)
        self.assertEqual(signature(OCTET_FORCE_ISA="baseline"), expected)


class GpuTest(CliTest):
    def test_without_a_gpu_it_says_what_is_missing(self):
        result = bench("gpu", env=environment(OCTET_CUDA_LIBRARY=self.folder / "missing.so"))
        self.assertEqual((result.returncode, result.stdout), (FAILED, b""))
        self.assertIn("missing.so", result.stderr.decode())

    @unittest.skipUnless(EMULATED_CUDA, "OCTET_EMULATED_CUDA names no library")
    def test_a_dry_run_on_the_emulated_gpu(self):
        report = self.folder / "report.json"
        result = bench("gpu", "--models", 1, "--shape", "32,1,2,1,48,256", "--context", 40, "--repetitions", 1, "--json", report,
                       env=environment(OCTET_CUDA_LIBRARY=EMULATED_CUDA))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("computed from data sheets, not measured", result.stdout.decode())
        found = json.loads(report.read_text())
        self.assertEqual((found["gpu"], found["compared_models"], found["different_rows"]), ("Emulated GPU, sm_90", 1, 0))
        self.assertEqual((found["unstable_rows"], found["bf16"]["far_rows"]), (0, 0))
        self.assertTrue(0 < found["bf16"]["furthest"] <= found["bf16"]["tolerance"])
        self.assertEqual([shape["profile"] for shape in found["shapes"]], ["int8", "bf16"])
        for shape in found["shapes"]:
            self.assertEqual(shape["launches"], 9)
            self.assertEqual(len(shape["step_ms"]), 8)
            self.assertEqual(set(shape["computed"]), {"A100", "H100", "4090", "5090"})
            self.assertEqual(shape["max_prefill"], 256)
            for rate in ("plain", "drafted", "prefill", "prefill_in_chunks"):
                self.assertGreater(shape[rate + "_bytes_per_s"], 0)
        self.assertGreater(found["shapes"][1]["bytes_of_a_step"], 1.9 * found["shapes"][0]["bytes_of_a_step"])


class DecodeTest(CliTest):
    def decode(self, *arguments):
        report = self.folder / "report.json"
        result = bench("decode", "--repetitions", 1, "--bytes", 16, "--json", report, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(report.read_text())

    def test_json_has_the_documented_fields(self):
        files = sorted((SOURCE_DIR / "benchmarks/samples").glob("*.*"))[:2]
        report = self.decode("--model", MODEL, "--threads", 1, "--cursors", 2, "--batch", "1,2", "--files", *files)
        self.assertEqual(set(report), {"environment", "model", "sha256", "step_ms", "draft_ms", "limit", "prefill_bytes_per_s", "plain",
                                       "draft", "batch", "tasks", "rss_bytes"})
        self.assertEqual(set(report["environment"]), {"cpu", "cores", "isa", "threads", "load"})
        self.assertEqual(len(report["step_ms"]), 16)
        for name in ("step_ms", "share", "barrier_share"):
            self.assertEqual(len(report["limit"][name]), 16)
        for name in ("plain", "draft"):
            self.assertLessEqual({"bytes_per_s", "ms_per_step", "steps", "bytes", "accepted_per_step", "mean_draft"}, set(report[name]))
        self.assertEqual([batch["n"] for batch in report["batch"]], [1, 2])
        self.assertEqual(report["plain"]["accepted_per_step"], 1)
        self.assertEqual(report["plain"]["mean_draft"], 0)
        self.assertGreaterEqual(report["draft"]["accepted_per_step"], 1)

    def test_random_models_of_any_shape_run_and_can_be_kept(self):
        octet = self.decode("--shape", TINY)
        self.assertGreater(octet["draft_ms"], 0)
        kept = self.folder / "llama.safetensors"
        llama = self.decode("--llama-shape", TINY, "--keep", kept)
        self.assertEqual(llama["draft_ms"], 0, "a model with one head proposes nothing")
        self.assertEqual(llama["draft"]["mean_draft"], 0)
        inspected = self.succeed("inspect", kept)
        self.assertIn("64", inspected)
        self.assertNotIn("ngram.0", inspected)

    def test_only_what_was_asked_for_is_decoded(self):
        plain = self.decode("--shape", TINY, "--plain", "--batch", "2,16")
        self.assertNotIn("draft", plain)
        self.assertEqual([sorted(batch) for batch in plain["batch"]], [["n", "plain"]] * 2)
        self.assertNotIn("plain", self.decode("--shape", TINY, "--draft"))

    def test_what_is_wrong_is_named(self):
        for arguments, code, named in (
            (["decode", "--shape", "64,2,2"], FAILED, "d,layers,heads,kv,ff,context"),
            (["decode", "--shape", "65,2,2,1,128,512"], FAILED, "multiple of heads"),
            (["decode", "--shape", "64,2,2,1,128,x"], FAILED, "64,2,2,1,128,x"),
            (["decode", "--model", self.folder / "missing"], FAILED, "missing"),
            (["decode", "--files", self.folder / "missing.c"], USAGE, "missing.c"),
            (["decode", "--batch", "0"], USAGE, "batch"),
            (["decode", "--model", MODEL, "--files", SOURCE_DIR / "dev", "--cursors", 2, "--batch", 3], FAILED, "needs as many cursors"),
            (["decode", "--shape", TINY, "--llama-shape", TINY], USAGE, "shape"),
            ([], USAGE, "verb"),
        ):
            with self.subTest(arguments=arguments):
                result = bench(*arguments)
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertIn(named.lower(), result.stderr.decode().lower())
                self.assertEqual(result.stdout, b"")


class QualityTest(CliTest):
    FILES = [SOURCE_DIR / "benchmarks/samples" / name for name in ("lru_cache.py", "router.js", "tokenizer.rs")]

    def quality(self, *arguments):
        report = self.folder / "report.json"
        result = bench("quality", "--bytes", 50, "--cursors", 2, "--completions", 1, "--editor-cursors", 2, "--json", report, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(report.read_text())

    def test_json_has_the_documented_fields_by_language_and_in_all(self):
        report = self.quality("--model", DEFAULT_MODEL, "--replay-bytes", 60, "--files", *self.FILES)
        score = {"all", "without_boilerplate", "with_memory", "net_alone", "texts_compared", "texts_differing", "mix_us_per_byte", "replay",
                 "confidence", "soundness"}
        self.assertEqual(set(report), score | {"verb", "environment", "model", "sha256", "seed", "files", "workspace_bytes", "text_hash",
                                               "step_ms", "draft_ms", "typing", "languages", "figures"})
        self.assertEqual(set(report["languages"]), {"python", "javascript", "rust"})
        for language in report["languages"].values():
            self.assertEqual(set(language), score)
            self.assertNotIn("completions", language["confidence"])
        self.assertEqual(len(report["step_ms"]), 16)
        for name in ("keys_without", "keys", "suggestions", "accepted_whole", "right_characters", "computed"):
            self.assertEqual(report["replay"][name], sum(language["replay"][name] for language in report["languages"].values()), name)
        self.assertGreater(report["replay"]["keys_without"], 3 * 30)
        self.assertLessEqual(report["replay"]["keys"], report["replay"]["keys_without"])
        work = report["with_memory"]
        self.assertEqual((work["lines"], work["blocks"]), (6, 6))
        self.assertLessEqual(work["exact_lines"] / work["lines"], work["line_similarity"])
        drafts = work["longest_drafts"]
        self.assertEqual(sum(drafts["bytes_of_step"]), drafts["steps"])
        for head in drafts["heads"] + drafts["guesses"]:
            self.assertGreaterEqual(head["judged"], head["right"])
        for name, figure in report["figures"].items():
            self.assertEqual(set(figure), {"values", "median", "mad", "outliers", "unit", "better", "kind", "judged"}, name)
            self.assertEqual(len(figure["values"]), 3, name)
            self.assertIn(figure["better"], ("less", "more"))
            self.assertIn(figure["kind"], ("ratio", "count", "time"))

    def test_the_same_is_written_and_typed_whatever_the_threads_and_kernels(self):
        first, again = (self.quality("--model", DEFAULT_MODEL, "--replay-bytes", 60, "--threads", threads, "--files", *self.FILES)
                        for threads in (1, 2))
        for report in (first, again):
            for name in ("environment", "step_ms", "draft_ms", "mix_us_per_byte", "languages", "soundness"):
                del report[name]
            for name in ("with_memory", "net_alone"):
                for time in ("bytes_per_s", "chosen_drafts", "bytes_per_step", "steps", "bytes"):
                    del report[name][time]
            report["figures"] = {name: figure for name, figure in report["figures"].items() if figure["kind"] != "time"}
        self.assertEqual(first, again)
        other = self.quality("--model", DEFAULT_MODEL, "--replay-bytes", 60, "--seed", 2, "--files", *self.FILES)
        self.assertNotEqual(other["text_hash"], first["text_hash"])

    def test_two_runs_can_be_compared(self):
        paths = [self.folder / name for name in ("a.json", "b.json")]
        arguments = ["quality", "--model", DEFAULT_MODEL, "--completions", 1, "--files", *self.FILES]
        for path, more in zip(paths, ([], ["--mixer", SOURCE_DIR / "bytemodel/weights/mixer.safetensors"])):
            self.assertEqual(bench(*arguments, "--bytes", 100, "--cursors", 2, "--replay-bytes", 60, "--json", path, *more).returncode, 0)
        same = bench("compare", *paths, "--json", self.folder / "compared.json")
        self.assertEqual(same.returncode, 0, same.stderr)
        verdicts = {row["name"]: row["verdict"] for row in json.loads((self.folder / "compared.json").read_text())["comparisons"]}
        self.assertEqual(verdicts["replay.keys_saved"], "same")
        self.assertEqual(verdicts["bits_per_byte.mixed"], "same")
        worse = json.loads(paths[1].read_text())
        figure = worse["figures"]["bits_per_byte.mixed"]
        figure["values"] = [1.5 * value for value in figure["values"]]
        paths[1].write_text(json.dumps(worse))
        self.assertEqual(bench("compare", *paths).returncode, FAILED)

    def test_who_is_sure_of_nothing_less_shows_less(self):
        sure, unsure = (self.quality("--model", DEFAULT_MODEL, "--replay-bytes", 200, "--min-confidence", minimum, "--files", *self.FILES)["replay"]
                        for minimum in (0.9, 0.1))
        self.assertLess(sure["shown_characters"], unsure["shown_characters"])
        self.assertGreater(sure["right_share"], unsure["right_share"])

    def test_without_a_replay_nothing_is_typed(self):
        report = self.quality("--model", DEFAULT_MODEL, "--files", self.FILES[0])
        self.assertEqual(report["replay"]["keys_without"], 0)
        self.assertNotIn("replay.keys_saved", report["figures"])

    def test_what_is_wrong_is_named(self):
        for arguments, code, named in (
            (["--files", self.folder / "missing.c"], USAGE, "missing.c"),
            (["--files", self.FILES[0], "--min-confidence", 2], USAGE, "min-confidence"),
            (["--files", self.FILES[0], "--workspace", self.folder / "missing"], FAILED, "missing"),
            (["--files", self.FILES[0], "--bytes", 10, "--cursors", 0, "--completions", 0, "--html", self.folder / "no" / "page.html"],
             FAILED, "page.html"),
        ):
            with self.subTest(arguments=arguments):
                result = bench("quality", "--model", DEFAULT_MODEL, *arguments)
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertIn(named, result.stderr.decode())


class Page(html.parser.HTMLParser):
    """The parts of a page, and whether its elements close in order."""

    VOID = {"meta", "link", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.scripts, self.attributes, self.comments, self.is_well_formed = [], [], [], [], [], True
        self.feed(text)
        self.close()
        self.is_well_formed = self.is_well_formed and not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag == "script":
            self.scripts.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.is_well_formed = self.is_well_formed and bool(self.open) and self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data

    def handle_comment(self, data):
        self.comments.append(data)


class PageTest(CliTest):
    RESULT = {"verb": "latency", "environment": {"cpu": "a </script><script>alert(1)</script> b", "cores": 2},
              "figures": {"<!--<script>": {"values": [1, 2.5], "median": 1.75, "unit": "ms", "better": "less", "kind": "time"}},
              "stages_ms": {"decode": 3.5}, "keys": [{"file": "ü\u2028.py", "outcome": "text", "whole_ms": [1, None]}]}

    def page_of(self, result):
        source, page = self.folder / "result.json", self.folder / "page.html"
        source.write_text(json.dumps(result))
        done = bench("page", source, "--html", page)
        self.assertEqual(done.returncode, 0, done.stderr)
        return page.read_text()

    def test_a_page_is_well_formed_and_has_its_result(self):
        page = Page(self.page_of(self.RESULT))
        self.assertTrue(page.is_well_formed)
        self.assertEqual(len(page.scripts), 3, "the result, the library, the page's own")
        self.assertEqual(json.loads(page.scripts[0]), self.RESULT)

    def test_a_page_needs_nothing_from_elsewhere(self):
        text = self.page_of(self.RESULT)
        page = Page(text)
        self.assertIn("Permission is hereby granted", page.comments[0])
        self.assertTrue([value for name, value in page.attributes if name == "content" and value.startswith("default-src 'none';")])
        self.assertFalse([value for name, value in page.attributes if name in ("src", "href") and value != "data:,"])
        own = text.replace(page.scripts[1], "").replace(page.comments[0], "")
        self.assertNotRegex(own, r"https?:|@import|url\(|fetch\(|XMLHttpRequest|WebSocket|import\(")
        self.assertEqual(set(re.findall(r"https?://[^\s\"'#)]+", page.scripts[1])), {"https://www.chartjs.org", "https://github.com/kurkle/color"})
        self.assertNotIn("sourceMappingURL", text)

    def test_what_is_no_result_is_named(self):
        source = self.folder / "result.json"
        for text in ("", "[]", "{", '{"verb": 3}', '{"verb": "<script>"}', "[" * 100):
            with self.subTest(text=text):
                source.write_text(text)
                result = bench("page", source, "--html", self.folder / "page.html")
                self.assertEqual(result.returncode, FAILED)
                self.assertIn("result.json", result.stderr.decode())
        self.assertFalse((self.folder / "page.html").exists())


class ResultsTest(unittest.TestCase):
    def test_kept_results_have_no_texts_no_paths_of_this_machine_and_short_numbers(self):
        sys.path.insert(0, str(SOURCE_DIR / "benchmarks"))
        import results

        full = {"server": "'/build/octet' lsp", "keys": [{"file": "/cache/rich/a.py", "text": "secret", "whole_ms": [1.23456789, None]}], "texts_wrong": 0,
                "confidence": {"lengths": [1], "completions": [{"text": "secret"}]}}
        self.assertEqual(results.compact(full, ["/cache", "/build"]), {"server": "'octet' lsp", "keys": [{"file": "rich/a.py", "whole_ms": [1.23457, None]}], "texts_wrong": 0,
                                                           "confidence": {"lengths": [1]}})

    def test_what_is_kept_can_be_compared_and_drawn(self):
        for path in sorted((SOURCE_DIR / "benchmarks/results").glob("*.json")):
            with self.subTest(path=path.name):
                text = path.read_text()
                self.assertLess(len(text), 200_000)
                self.assertNotRegex(text, r"[\"' ]/\w")
                self.assertEqual(json.loads(text)["verb"], path.stem)
                self.assertLessEqual({"cpu", "cores", "isa", "threads", "load"}, set(json.loads(text)["environment"]))


if __name__ == "__main__":
    unittest.main()
