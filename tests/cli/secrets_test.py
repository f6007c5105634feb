"""What stands in secret and in ignored files is in nothing that octet writes: not in completions, not in the log, not on the disk."""

import json

from lsp_process import EXIT, INITIALIZED, SHUTDOWN, LspProcess, frame
from octet import DEFAULT_MODEL, CliTest, environment

N_COMPLETIONS = 1000
CANARY = "canary7f3a"
TYPED = "zephyr_token_"  # what the secret files, too, have before their canary
SECRET = f"{TYPED}{CANARY} = '{CANARY}'\n" * 20
# Written on the disk, and opened in the editor as well.
DENIED = (".env", ".env.local", "deploy/server.pem", "deploy/server.key", "id_rsa", "keys/id_ed25519", ".netrc", ".npmrc", ".ssh/config",
          "private/notes.py", "src/local.py", "debug.log")
HELPER = f"def {TYPED}counter(start):\n    return start\n\n\n{TYPED}counter(start=1)\n" * 5


class SecretsTest(CliTest):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "workspace"
        self.written = self.folder / "written"
        self.env = environment(XDG_CACHE_HOME=self.written / "cache", XDG_STATE_HOME=self.written / "state")
        for name in DENIED:
            self.put(name, SECRET)
        self.put(".gitignore", "private/\n*.log\n")
        self.put("src/.gitignore", "local.py\n")
        self.put("src/helper.py", HELPER)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def uri(self, name):
        return (self.root / name).as_uri()

    def open(self, name, text):
        return frame({"method": "textDocument/didOpen",
                      "params": {"textDocument": {"uri": self.uri(name), "languageId": "python", "version": 1, "text": text}}})

    def complete(self, client, id, name, line, character):
        client.send(frame({"id": id, "method": "textDocument/inlineCompletion",
                           "params": {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character},
                                      "context": {"triggerKind": 1}}}))
        while (message := client.receive()).get("id") != id:
            pass
        return message["result"]["items"]

    def test_no_canary_leaves_its_file(self):
        server = LspProcess("stdio", self.folder, "--log-level", "trace", model=DEFAULT_MODEL, env=self.env)
        with server.client() as client:
            client.send(frame({"id": 1, "method": "initialize",
                               "params": {"processId": None, "rootUri": self.root.as_uri(), "capabilities": {},
                                          "initializationOptions": {"minConfidence": 0, "maxBytes": 24}}}) + INITIALIZED)
            for name in DENIED:
                client.send(self.open(name, SECRET + TYPED))
                self.assertEqual(self.complete(client, f"denied {name}", name, SECRET.count("\n"), len(TYPED)), [], name)
            n_control = 0
            client.send(self.open("src/main.py", "import helper\n\n"))
            for i in range(N_COMPLETIONS):
                client.send(frame({"method": "textDocument/didChange",
                                   "params": {"textDocument": {"uri": self.uri("src/main.py"), "version": i + 2},
                                              "contentChanges": [{"text": f"import helper\n\n\nvalue_{i} = helper.{TYPED}"}]}}))
                items = self.complete(client, f"completion {i}", "src/main.py", 3, len(f"value_{i} = helper.{TYPED}"))
                self.assertNotIn(CANARY, json.dumps(items))
                n_control += any(f"{TYPED}counter" in item["insertText"] for item in items)
            client.send(SHUTDOWN + EXIT)
            client.finish()
            rest = client.receive_all()
        self.assertEqual(server.process.wait(timeout=60), 0)
        self.assertNotIn(CANARY, json.dumps(rest))
        self.assertGreater(n_control, N_COMPLETIONS // 2, "what may be remembered is offered")
        for path in [server.log_file, *(path for path in self.written.rglob("*") if path.is_file())]:
            self.assertNotIn(CANARY.encode(), path.read_bytes(), path)
        self.assertTrue(any((self.written / "cache").rglob("*")), "there is a store to look at")
