"""octet and a GPU, from outside: the library of CUDA kernels is loaded at run time. Here it is one whose GPU is emulated ($OCTET_EMULATED_CUDA),
and that fails as it is told ($OCTET_FAKE_GPU)."""

import json
import os
import unittest

from lsp_process import GOODBYE, INITIALIZE, INITIALIZED, LspProcess, frame
from octet import FAILED, MODEL, TINY_MODELS, CliTest, environment, run

LIBRARY = os.environ.get("OCTET_EMULATED_CUDA", "")
TAKEOVER = "the GPU failed, the CPU took over: "


@unittest.skipUnless(LIBRARY, "OCTET_EMULATED_CUDA names no library")
class CudaTest(CliTest):
    def env(self, fault=""):
        return environment(OCTET_CUDA_LIBRARY=LIBRARY, OCTET_FAKE_GPU=fault, OCTET_MODEL=TINY_MODELS[0])

    def complete(self, *options, fault=""):
        source, place = self.snippet()
        result = run("complete", source, "--at", place, "--max-bytes", 12, "--raw", *options, env=self.env(fault))
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_the_text_is_the_cpus_and_the_gpu_is_named(self):
        expected = json.loads(self.complete("--device", "cpu", "--json").stdout)
        found = json.loads(self.complete("--device", "cuda", "--json").stdout)
        self.assertEqual((found["device"], found["isa"], found["device_note"]), ("cuda", "Emulated GPU, sm_90", ""))
        self.assertEqual(expected["device"], "cpu")
        self.assertTrue(found["text"])
        for field in ("text", "confidence", "stop_reason", "sources"):
            self.assertEqual(found[field], expected[field], field)

    def test_bf16_is_the_gpus_and_the_cpu_goes_on_in_f32(self):
        found = json.loads(self.complete("--profile", "bf16", "--json").stdout)
        self.assertEqual((found["device"], found["profile"], found["device_note"]), ("cuda", "bf16", ""))
        self.assertTrue(found["text"])
        f32 = self.complete("--profile", "f32").stdout
        result = self.complete("--profile", "bf16", fault="step=0")
        self.assertEqual(result.stdout, f32)
        report = json.loads(self.complete("--profile", "bf16", "--json", fault="step=0").stdout)
        self.assertRegex(report["device_note"], "the CPU took over in the f32 profile: .*illegal memory access")
        source, place = self.snippet()
        for options, fault, why in ((["auto"], "none", "no CUDA-capable device"), (["cuda"], "driver", "driver version is insufficient"),
                                    (["cpu"], "", "found device 'cpu'")):
            with self.subTest(options=options, fault=fault):
                self.refuse(FAILED, ["the bf16 profile needs a GPU", why, "expected --profile int8"], "complete", source, "--at", place,
                            "--profile", "bf16", "--device", *options, env=self.env(fault))

    def test_auto_says_why_it_chose_what_it_chose(self):
        found = json.loads(self.complete("--json").stdout)
        self.assertEqual(found["device"], "cpu")
        self.assertRegex(found["device_note"], r"a step of 4 positions takes [\d.]+ ms on the GPU and [\d.]+ ms on the CPU")

    def test_whatever_fails_the_cpu_answers_and_says_why(self):
        expected = self.complete("--device", "cpu").stdout
        for fault, why in (("driver", "no GPU is used: CUDA driver version is insufficient"), ("none", "no GPU is used: no CUDA-capable device"),
                           ("memory=0", "no GPU is used: .* out of memory"), ("memory=1", TAKEOVER + ".*out of memory"),
                           ("step=40", TAKEOVER + ".*illegal memory access"), ("nan=40", TAKEOVER + ".*no numbers"),
                           ("hang=40", TAKEOVER + ".*no answer from the GPU within 500 ms")):
            with self.subTest(fault=fault):
                result = self.complete("--device", "cuda", fault=fault)
                self.assertEqual(result.stdout, expected)
                self.assertRegex(result.stderr.decode(), why)
                report = json.loads(self.complete("--device", "cuda", "--json", fault=fault).stdout)
                self.assertEqual(report["device"], "cpu")
                self.assertRegex(report["device_note"], why)

    def test_a_cap_on_the_memory_is_named(self):
        result = self.complete("--device", "cuda", "--gpu-memory-mb", 1, "--model", MODEL)
        self.assertIn("1048576 are allowed", result.stderr.decode())

    def test_doctor_tells_what_a_gpu_holds_and_fails_without_one(self):
        report = json.loads(self.succeed("doctor", "--json", "--device", "cuda", env=self.env()))
        self.assertRegex(report["checks"][0]["detail"], r"cuda, Emulated GPU, sm_90 kernels, .* MB of GPU memory, long prompts by cuBLASLt")
        report = json.loads(self.succeed("doctor", "--json", "--device", "cuda", env=self.env("cublas")))
        self.assertIn("long prompts by own kernels", report["checks"][0]["detail"])
        failed = run("doctor", "--device", "cuda", env=self.env("none"))
        self.assertEqual(failed.returncode, FAILED)
        self.assertIn("cuda was asked for, found cpu", failed.stdout.decode())

    def test_the_server_answers_and_tells_its_client(self):
        failing = self.folder / "failing"
        with LspProcess("stdio", self.folder, "--device", "cuda", env=self.env(f"file={failing}")) as server, server.client() as client:
            n_asked = 1

            def ask(method, params):
                nonlocal n_asked
                n_asked += 1
                client.send(frame({"id": n_asked, "method": method, "params": params}))
                while (message := client.receive()).get("id") != n_asked:
                    pass
                return message["result"]

            document = {"uri": "file:///w/a.py"}
            text = "def area(width, height):\n    return "
            client.send(INITIALIZE + INITIALIZED)
            client.send(frame({"method": "textDocument/didOpen",
                               "params": {"textDocument": {**document, "languageId": "python", "version": 1, "text": text}}}))
            while (status := ask("octet/status", {}))["state"] != "ready":
                self.assertEqual(status["state"], "loading")
            self.assertIn("cuda Emulated GPU", status["device"])
            failing.touch()
            ask("textDocument/inlineCompletion", {"textDocument": document, "position": {"line": 1, "character": 11}, "context": {"triggerKind": 1}})
            status = ask("octet/status", {})
            self.assertIn(TAKEOVER, status["deviceNote"])
            client.send(GOODBYE)
        self.assertIn(TAKEOVER, server.log())


if __name__ == "__main__":
    unittest.main()
