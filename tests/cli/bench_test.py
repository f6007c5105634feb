"""octet-bench: what its verbs print and write, on models so small that nothing takes long."""

import json
import os
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
        self.assertEqual(found["shapes"][0]["launches"], 9)
        self.assertEqual(len(found["shapes"][0]["step_ms"]), 8)
        self.assertEqual(set(found["shapes"][0]["computed"]), {"A100", "H100", "4090", "5090"})


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


if __name__ == "__main__":
    unittest.main()
