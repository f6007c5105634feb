"""octet-bench latency, compare and export-trace, on real servers and on made-up ones."""

import contextlib
import http.server
import json
import re
import shlex
import sys
import threading
import unittest

from bench_test import bench
from octet import BIN, DONE, FAILED, MODEL, SOURCE_DIR, USAGE, CliTest

SAMPLES = sorted((SOURCE_DIR / "benchmarks/samples").glob("*.*"))[:1]

# A language server that answers after a while, not always the same if it is told so; it may write its name to a file that others share.
STUB = """
import itertools, json, sys, time
delay, is_fickle = float(sys.argv[1]), sys.argv[2:] == ["fickle"]
log, name = (open(sys.argv[2], "a"), sys.argv[3]) if len(sys.argv) == 4 else (None, "")
count = itertools.count()
def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    sys.stdout.buffer.flush()
while header := sys.stdin.buffer.readline():
    sys.stdin.buffer.readline()
    message = json.loads(sys.stdin.buffer.read(int(header.split()[1])))
    method = message.get("method")
    if method == "initialize":
        capabilities = {"positionEncoding": "utf-16", "textDocumentSync": 2, "inlineCompletionProvider": {}}
        send({"id": message["id"], "result": {"serverInfo": {"name": "octet" if is_fickle else "stub"}, "capabilities": capabilities}})
    elif method == "textDocument/inlineCompletion":
        if log:
            print(name, end="", file=log, flush=True)
        end = time.perf_counter() + delay
        while time.perf_counter() < end:
            pass
        text = "text%d" % (next(count) if is_fickle else 0)
        send({"id": message["id"], "result": {"items": [{"insertText": text}]}})
    elif method == "exit":
        break
    elif "id" in message:
        send({"id": message["id"], "result": {"session": {}}})
"""


def server(*arguments):
    return shlex.join([str(BIN), "lsp", "--model", str(MODEL), *map(str, arguments)])


@contextlib.contextmanager
def infill_server(answer):
    """An HTTP server that `answer` writes for; yields its URL and the bodies that it was sent."""
    bodies = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                answer(self)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/infill", bodies
        finally:
            listening.shutdown()


def stream(handler):
    """As llama.cpp does."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for content in ("ab", "c\n", ""):
        event = f"data: {json.dumps({'content': content, 'stop': not content})}\n\n".encode()
        # An event in two chunks.
        for part in (event[:9], event[9:]):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.flush()
    handler.wfile.write(b"0\r\n\r\n")


class LatencyTest(CliTest):
    def trace(self, n_keys=16):
        path = self.folder / "trace.jsonl"
        if not path.exists():
            self.assertEqual(bench("export-trace", "--files", *SAMPLES, "--keys", n_keys, "--trace", path).returncode, DONE)
        return path

    def latency(self, *arguments, code=DONE, n_servers=1, n_repetitions=1):
        reports = [self.folder / f"report{i}.json" for i in range(n_servers)]
        jsons = [argument for report in reports for argument in ("--json", report)]
        result = bench("latency", "--trace", self.trace(), "--speed", 40, "--repetitions", n_repetitions, *jsons, *arguments)
        self.assertEqual(result.returncode, code, result.stderr + result.stdout)
        return [json.loads(report.read_text()) for report in reports], result

    def test_json_has_the_documented_fields_and_every_key(self):
        page = self.folder / "page.html"
        (report,), _ = self.latency("--server", server(), "--html", page, n_repetitions=2)
        self.assertIn(report["text_hash"], page.read_text(encoding="utf-8"))
        self.assertEqual(set(report), {"verb", "run", "environment", "server", "trace", "workspace", "text_hash", "texts_wrong", "figures",
                                       "stages_ms", "keys"})
        self.assertEqual(report["texts_wrong"], 0)
        self.assertEqual(set(report["stages_ms"]), {"context", "syntax", "prefill", "decode", "rest"})
        self.assertEqual(len(report["keys"]), report["trace"]["keys"])
        for name in ("unhurried.key_ms", "unhurried.cpu_ms_per_key", "ready_ms", "rss_bytes", "unhurried.positions_computed.p95"):
            figure = report["figures"][name]
            self.assertTrue(figure["judged"])
            self.assertTrue(all(value > 0 for value in figure["values"]), name)
        for key in report["keys"]:
            self.assertEqual(len(key["whole_ms"]), 2)
            if key["outcome"] == "text":
                self.assertTrue(key["text"])
                for first, whole in zip(key["first_ms"], key["whole_ms"]):
                    self.assertLessEqual(first, whole)

    def test_it_counts_what_the_server_counts(self):
        log = self.folder / "octet.log"
        (report,), _ = self.latency("--server", server("--log-file", log))
        lines = re.findall(r"completion (\d+): \S+ v\d+ (?:(\d+) bytes( of an earlier suggestion)?, ([\d.]+) ms|nothing: (\w+))",
                           log.read_text())
        # Texts that differ while typing are asked of another server again, which counts its requests from the beginning.
        is_another = (i for i in range(1, len(lines)) if int(lines[i][0]) < int(lines[i - 1][0]))
        lines = lines[: next(is_another, None)]
        n_keys = report["trace"]["keys"]
        # Once to warm up, once unhurried, once typed, every third key to be cancelled; before them as often as it took until there was a model.
        n_before = len(lines) - 3 * n_keys - n_keys // 3
        self.assertGreaterEqual(n_before, 1)
        for key, (_, n_bytes, earlier, server_ms, reason) in zip(report["keys"], lines[n_before + n_keys :]):
            self.assertEqual(key["outcome"], "nothing" if reason else "text")
            self.assertEqual(key["from_memory"], bool(earlier))
            if n_bytes:
                self.assertEqual(len(key["text"].encode()), int(n_bytes))
                self.assertGreater(key["whole_ms"][0], float(server_ms) - 0.06)  # the log rounds
        n_superseded = sum(reason in ("superseded", "cancelled") for *_, reason in lines[n_before + 2 * n_keys : n_before + 3 * n_keys])
        # An answer that crossed its withdrawal is one for the server alone.
        self.assertLessEqual(n_superseded, round(n_keys * report["figures"]["typing.superseded"]["values"][0]))

    def test_a_server_without_a_model_has_no_figures(self):
        command = shlex.join([str(BIN), "lsp", "--model", __file__])
        result = bench("latency", "--trace", self.trace(), "--server", command)
        self.assertEqual(result.returncode, FAILED, result.stdout)
        self.assertIn(f"{command}: {__file__}: the header claims", result.stderr.decode())

    def test_other_servers_are_measured_too(self):
        (report,), result = self.latency("--server", shlex.join([sys.executable, "-c", STUB, "0.002"]))
        self.assertEqual(report["server"]["name"], "stub")
        self.assertIn("not known", result.stdout.decode())
        self.assertGreater(min(report["figures"]["unhurried.key_ms"]["values"]), 2)
        self.assertEqual({key["text"] for key in report["keys"]}, {"text0"})

    def test_a_run_whose_texts_change_is_void(self):
        (report,), result = self.latency("--server", shlex.join([sys.executable, "-c", STUB, "0", "fickle"]), code=FAILED, n_repetitions=2)
        self.assertGreater(report["texts_wrong"], 0)
        self.assertIn("void", result.stdout.decode())

    def test_servers_that_took_turns_are_compared(self):
        def stub(delay_s):
            return "--server", shlex.join([sys.executable, "-c", STUB, str(delay_s)])

        self.latency(*stub(0.004), *stub(0.004), *stub(0.012), n_servers=3, n_repetitions=3)
        same = bench("compare", self.folder / "report0.json", self.folder / "report1.json", "--threshold", 0.5)
        self.assertEqual(same.returncode, DONE, same.stdout + same.stderr)
        verdicts = self.folder / "verdicts.json"
        slower = bench("compare", self.folder / "report0.json", self.folder / "report2.json", "--threshold", 0.5, "--json", verdicts)
        self.assertEqual(slower.returncode, FAILED, slower.stdout)
        self.assertIn("B is worse", slower.stdout.decode())
        by_name = {row["name"]: row for row in json.loads(verdicts.read_text())["comparisons"]}
        self.assertEqual(by_name["unhurried.key_ms"]["verdict"], "worse")
        self.assertIsNone(by_name["start_ms"]["probability"])

    def test_servers_take_turns_at_each_unhurried_key(self):
        log = self.folder / "asked"
        stubs = [shlex.join([sys.executable, "-c", STUB, "0", str(log), name]) for name in "ab"]
        (report, _), _ = self.latency("--server", stubs[0], "--server", stubs[1], n_servers=2)
        # Once to warm up, and once measured.
        self.assertIn("ab" * 2 * report["trace"]["keys"], log.read_text())

    def test_a_server_with_infill_is_given_the_same_work(self):
        with infill_server(stream) as (url, bodies):
            (report,), _ = self.latency("--infill", url, "--infill-options", '{"n_predict": 7}')
        self.assertEqual({key["text"] for key in report["keys"]}, {"abc\n"})
        prompts = self.folder / "prompts.jsonl"
        self.assertEqual(bench("export-trace", "--files", *SAMPLES, "--keys", 16, "--prompts", prompts).returncode, DONE)
        expected = [json.loads(line) for line in prompts.read_text(encoding="utf-8").splitlines()]
        unhurried = bodies[1 + len(expected) : 1 + 2 * len(expected)]
        self.assertEqual([(body["input_prefix"], body["input_suffix"]) for body in unhurried],
                         [(prompt["prefix"], prompt["suffix"]) for prompt in expected])
        self.assertTrue(all(body["n_predict"] == 7 and body["temperature"] == 0 for body in bodies))

    def test_an_infill_server_may_answer_at_once_or_refuse(self):
        def whole(handler):
            body = json.dumps({"content": "whole"}).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        with infill_server(whole) as (url, _):
            (report,), _ = self.latency("--infill", url)
        self.assertEqual({key["text"] for key in report["keys"]}, {"whole"})
        with infill_server(lambda handler: handler.send_error(501)) as (url, _):
            result = bench("latency", "--trace", self.trace(), "--infill", url)
        self.assertEqual(result.returncode, FAILED)
        self.assertIn("501", result.stderr.decode())

    def test_prompts_stand_beside_the_answers(self):
        prompts = self.folder / "prompts.jsonl"
        result = bench("export-trace", "--files", *SAMPLES, "--keys", 16, "--prompts", prompts, "--server", server())
        self.assertEqual(result.returncode, DONE, result.stderr)
        (report,), _ = self.latency("--server", server())
        answers = [json.loads(line)["answer"] for line in prompts.read_text(encoding="utf-8").splitlines()]
        self.assertEqual(answers, [key["text"] for key in report["keys"]])
        self.assertTrue(any(answers))

    def test_what_is_wrong_is_named(self):
        bad = self.folder / "bad.jsonl"
        bad.write_text("{}\n")
        trace = self.trace()
        for arguments, code, named in (
            (["latency"], USAGE, "--files or --trace"),
            (["latency", "--trace", trace, "--files", *SAMPLES], USAGE, "--files or --trace"),
            (["latency", "--trace", bad], FAILED, "bad.jsonl:1"),
            (["latency", "--trace", trace, "--json", "a", "--json", "b"], USAGE, "as many --json"),
            (["latency", "--trace", trace, "--html", "a", "--html", "b"], USAGE, "as many --html"),
            (["latency", "--trace", trace, "--server", "exit 3"], FAILED, "exit 3: ended"),
            (["latency", "--trace", trace, "--server", "echo nonsense; sleep 0"], FAILED, "no message"),
            (["latency", "--trace", trace, "--server", "echo because of this >&2; exit 1"], FAILED, "because of this"),
            (["latency", "--trace", trace, "--infill", "ftp://x"], FAILED, "http://HOST:PORT/PATH"),
            (["latency", "--trace", trace, "--infill", "http://127.0.0.1:1/infill"], FAILED, "refused"),
            (["latency", "--trace", trace, "--infill", "http://127.0.0.1:1/infill", "--infill-options", "3"], FAILED, "JSON object"),
            (["compare", trace, trace], USAGE, "expected JSON"),
            (["compare", trace, self.folder / "missing"], USAGE, "missing"),
            (["export-trace", "--files", SAMPLES[0], "--trace", "/nowhere/trace"], FAILED, "/nowhere/trace"),
        ):
            with self.subTest(arguments=arguments):
                result = bench(*arguments)
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertIn(named.lower(), result.stderr.decode().lower())


if __name__ == "__main__":
    unittest.main()
