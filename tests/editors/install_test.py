"""./dev install and --undo, in a home of the test's own, with real programs and editors: python3 tests/editors/install_test.py [-v].

OCTET_BIN names the octet binary in the build folder that is installed. VS Code is played by a program that keeps its extensions in a file.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path

SOURCE_DIR = Path(os.environ.get("OCTET_SOURCE_DIR") or Path(__file__).resolve().parents[2])
BIN = Path(os.environ.get("OCTET_BIN") or SOURCE_DIR / "build/release/octet").absolute()
TIMEOUT_S = 600  # only a bound for failing
PLUGIN = ".local/share/nvim/site/pack/octet/start/octet"

FAKE_CODE = """#!/bin/sh
echo "$1" >> "$CODE_STATE/calls"
case $1 in
--list-extensions) cat "$CODE_STATE/extensions" ;;
--install-extension)
  if [ -e "$CODE_STATE/refuses" ]; then echo 'not as a super user'; exit 1; fi
  cp "$2" "$CODE_STATE/installed.vsix"
  echo octet.octet@0.1.0 >> "$CODE_STATE/extensions" ;;
--uninstall-extension) sed -i "/^$2@/d" "$CODE_STATE/extensions" ;;
*) exit 2 ;;
esac
"""


class InstallTest(unittest.TestCase):
    def setUp(self):
        self.assertTrue(BIN.is_file(), f"OCTET_BIN: no binary at {BIN}")
        self.scratch = Path(tempfile.mkdtemp(prefix="octet install "))  # with a blank
        self.addCleanup(shutil.rmtree, self.scratch)
        self.home = self.scratch / "home"
        self.code_state = self.scratch / "code"
        self.programs = self.scratch / "programs"
        for folder in (self.home / ".config/nvim", self.home / ".local/bin", self.code_state, self.programs):
            folder.mkdir(parents=True)
        (self.home / ".local/bin/mine").write_text("mine")
        (self.home / ".config/nvim/init.lua").write_text("require('octet').setup()\n")
        (self.code_state / "extensions").write_text("other.one@1.2.3\n")
        # PATH as it is, without what a test does not want.
        for folder in os.environ["PATH"].split(os.pathsep):
            for program in Path(folder).iterdir() if os.path.isdir(folder) else ():
                if not (self.programs / program.name).is_symlink():
                    (self.programs / program.name).symlink_to(program)
        self.hide("octet", "code", "code-insiders", "codium", "code-server", "cursor", "hx", "helix")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("OCTET_", "XDG_", "SUDO_"))}
        self.env |= {"HOME": str(self.home), "PATH": str(self.programs), "CODE_STATE": str(self.code_state), "OCTET_BIN": str(BIN),
                     "npm_config_cache": str(self.scratch / "npm")}

    def hide(self, *programs):
        for program in programs:
            (self.programs / program).unlink(missing_ok=True)

    def add_code(self, name="code"):
        (self.programs / name).write_text(FAKE_CODE)
        (self.programs / name).chmod(0o755)

    def dev(self, *arguments, code=0, cwd=None):
        done = subprocess.run([str(SOURCE_DIR / "dev"), *map(str, arguments)], cwd=cwd, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
        output = done.stdout.decode()
        self.assertEqual(done.returncode, code, output)
        return re.sub(" +", " ", output)  # without columns

    def tree(self, root=None):
        """Every path under the home with its content."""
        root = root or self.home
        return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in root.rglob("*")}

    def neovim(self, lua):
        """What a Neovim of this home says of a Lua expression. It writes nothing of its own there."""
        answer = self.scratch / "answer"
        code = f"lua vim.fn.writefile({{ vim.json.encode((function() {lua} end)()) }}, [[{answer}]])"
        elsewhere = {"NVIM_LOG_FILE": str(self.scratch / "log"), "XDG_STATE_HOME": str(self.scratch / "state"), "XDG_CACHE_HOME": str(self.scratch / "cache")}
        done = subprocess.run(["nvim", "--headless", "-n", "-i", "NONE", "-c", code, "-c", "qall!"], env=self.env | elsewhere, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertTrue(answer.exists(), done.stdout)
        return json.loads(answer.read_text())

    def octet(self, *arguments, folder=".local/bin"):
        """The installed octet, with nothing of its own left in the home."""
        elsewhere = {"XDG_STATE_HOME": str(self.scratch / "state"), "XDG_CACHE_HOME": str(self.scratch / "cache")}
        env = {name: value for name, value in self.env.items() if name != "OCTET_BIN"} | elsewhere
        done = subprocess.run([str(self.home / folder / "octet"), *arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.decode()


class EverythingTest(InstallTest):
    def test_what_is_installed_works_twice_and_undo_leaves_the_home_as_it_was(self):
        before = self.tree()
        self.add_code("code")
        output = self.dev("install")
        for expected in (f" files in {self.home}/.local: bin/octet", f"{self.home}/.local/bin is not in it",
                         f"files in {self.home}/{PLUGIN}", "code: extension octet.octet 0.1.0, octet-linux-x64.vsix", "./dev install --undo"):
            self.assertIn(expected, output)

        doctor = self.octet("doctor")
        self.assertIn(f"{self.home}/.local/share/octet/octet.safetensors", doctor)
        self.assertNotIn(str(SOURCE_DIR), doctor)

        self.assertEqual(self.neovim("return vim.fn.exists(':Octet')"), 2)
        self.assertEqual(self.neovim("vim.cmd('help octet-keymaps') return vim.fn.expand('%:p')"), f"{self.home}/{PLUGIN}/doc/octet.txt")
        running = ("vim.cmd('edit ' .. vim.fn.tempname() .. '.py') local c = require('octet.client')"
                   "vim.wait(60000, function() return c.client ~= nil end, 10) return c.client.config.cmd[1]")
        self.assertEqual(self.neovim(running), f"{self.home}/.local/bin/octet")

        installed = self.tree()
        with zipfile.ZipFile(self.code_state / "installed.vsix") as vsix:
            self.assertIn("extension/server/octet", vsix.namelist())
            self.assertIn("extension/share/octet/octet.safetensors", vsix.namelist())

        self.dev("install")
        self.assertEqual(self.tree(), installed)

        output = self.dev("install", "--undo")
        self.assertIn("code: extension octet.octet removed", output)
        self.assertNotIn("left:", output)
        self.assertEqual(self.tree(), before)
        self.assertEqual((self.code_state / "extensions").read_text(), "other.one@1.2.3\n")
        self.assertIn("nothing is installed", self.dev("install", "--undo"))

    def test_extensions_that_are_not_from_here_stay_and_a_refusal_is_named(self):
        for name in ("code", "codium"):
            self.add_code(name)
        (self.code_state / "extensions").write_text("octet.octet@9.9.9\n")
        output = self.dev("install")
        for name in ("code", "codium"):
            self.assertIn(f"{name}: has octet.octet 9.9.9, not from here: left as it is", output)
        self.dev("install", "--undo")
        self.assertEqual((self.code_state / "extensions").read_text(), "octet.octet@9.9.9\n")
        self.assertNotIn("--uninstall-extension", (self.code_state / "calls").read_text())

        self.hide("codium")
        (self.code_state / "extensions").write_text("")
        (self.code_state / "refuses").touch()
        self.assertIn("code: does not take the extension: not as a super user", self.dev("install", code=1))
        self.octet("--version")
        (self.code_state / "refuses").unlink()
        self.dev("install")
        (self.code_state / "extensions").write_text("octet.octet@9.9.9\n")  # the person has another one since
        self.assertIn("left: the extension in code, now 9.9.9, was changed", self.dev("install", "--undo"))
        self.assertEqual((self.code_state / "extensions").read_text(), "octet.octet@9.9.9\n")

    def test_it_says_which_editors_are_not_there(self):
        self.hide("nvim", "emacs")
        output = self.dev("install")
        self.assertIn("Neovim: no nvim in PATH: no plugin", output)
        self.assertIn("VS Code: none of code, code-insiders, codium, code-server, cursor in PATH: no extension", output)
        self.assertFalse((self.home / PLUGIN).exists())
        self.assertFalse((self.home / ".local/share/emacs").exists())
        self.add_code("cursor")
        self.hide("node")
        self.assertIn("VS Code: cursor: no extension, building it needs node and npm", self.dev("install"))
        self.assertFalse((self.code_state / "calls").exists())


class CareTest(InstallTest):
    """What did not come from here."""

    def test_a_file_that_was_changed_since_survives_and_is_named(self):
        self.dev("install")
        changed, removed = self.home / PLUGIN / "lua/octet/keys.lua", self.home / PLUGIN / "lua/octet/menu.lua"
        changed.write_text("-- mine now\n")
        removed.unlink()
        added = self.home / PLUGIN / "lua/octet/new.lua"
        added.write_text("-- mine\n")
        output = self.dev("install", "--undo")
        self.assertEqual(output.count("left:"), 1)
        self.assertIn(f"left: {changed} was changed", output)
        self.assertEqual(changed.read_text(), "-- mine now\n")
        self.assertEqual({path for path in (self.home / PLUGIN).rglob("*") if path.is_file()}, {changed, added})
        self.assertFalse((self.home / ".local/share/octet").exists())
        self.assertTrue((self.home / ".local/bin/mine").exists())

    def test_files_and_links_that_were_there_before_are_not_replaced(self):
        own = self.home / ".local/bin/octet"
        own.write_text("another octet")
        elsewhere = self.scratch / "clone"
        elsewhere.mkdir()
        (self.home / PLUGIN).parent.mkdir(parents=True)
        (self.home / PLUGIN).symlink_to(elsewhere)
        before = self.tree()
        output = self.dev("install", code=1)
        self.assertIn(f"left: {own} was there before; move it away and install again", output)
        self.assertIn(f"left: {self.home / PLUGIN} is a link, not from here", output)
        self.assertEqual(own.read_text(), "another octet")
        self.assertEqual(list(elsewhere.iterdir()), [])
        self.dev("install", "--undo")
        self.assertEqual(self.tree(), before)
        own.unlink()
        (self.home / PLUGIN).unlink()
        self.dev("install")
        self.octet("doctor")

    def test_a_changed_file_is_not_replaced_by_a_second_installation_either(self):
        self.dev("install")
        changed = self.home / PLUGIN / "plugin/octet.lua"
        changed.write_text("-- mine now\n")
        self.assertIn(f"left: {changed} was changed; move it away", self.dev("install", code=1))
        self.assertEqual(changed.read_text(), "-- mine now\n")

    def test_a_newer_version_takes_away_what_it_has_not_any_more(self):
        self.dev("install")
        manifest = self.home / ".local/state/octet/installed.json"
        kept = json.loads(manifest.read_text())
        old, known = self.home / PLUGIN / "lua/octet/old.lua", self.home / PLUGIN / "lua/octet/keys.lua"
        old.write_bytes(known.read_bytes())
        kept["files"][str(old)] = kept["files"][str(known)]
        manifest.write_text(json.dumps(kept))
        self.dev("install")
        self.assertFalse(old.exists())
        self.assertTrue(known.exists())


class PlacesTest(InstallTest):
    def test_a_folder_is_named_from_where_the_person_is(self):
        (self.home / "here").mkdir()
        before = self.tree()
        output = self.dev("install", "opt/octet 1", cwd=self.home / "here")
        octet = self.home / "here/opt/octet 1/bin/octet"
        self.assertIn(f"vim.g.octet_cmd = '{octet}'", output)
        self.octet("doctor", folder=octet.parent)
        self.assertFalse((self.home / ".local/bin/octet").exists())
        self.dev("install", cwd=self.home)  # and at the usual place too
        self.dev("install", "--undo")
        self.assertEqual(self.tree(), before)

    def test_the_folders_of_the_xdg_specification_count(self):
        self.env |= {"XDG_DATA_HOME": str(self.home / "data"), "XDG_STATE_HOME": str(self.home / "state")}
        before = self.tree()
        self.dev("install")
        self.assertTrue((self.home / "data/nvim/site/pack/octet/start/octet/doc/tags").is_file())
        self.assertTrue((self.home / "state/octet/installed.json").is_file())
        self.dev("install", "--undo")
        self.assertEqual(self.tree(), before)

    def test_what_cannot_be_is_refused_with_the_reason(self):
        before = self.tree()
        self.assertIn("expected a folder, or --undo, found --remove", self.dev("install", "--remove", code=1))
        self.assertIn("expected one folder, or --undo, found a b", self.dev("install", "a", "b", code=1))
        self.assertEqual(self.tree(), before)
        file = self.home / ".local/bin/mine"
        self.assertIn(f"install: {file}/bin: Not a directory", self.dev("install", file, code=1))
        manifest = self.home / ".local/state/octet/installed.json"
        manifest.write_text("[]")
        self.assertIn(f"{manifest}: expected what an earlier installation wrote", self.dev("install", "--undo", code=1))


if __name__ == "__main__":
    unittest.main()
