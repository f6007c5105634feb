#!/usr/bin/env python3
"""Puts octet where the running user's programs and editors find it, and takes it away again. `./dev install` calls it.

    install.py BUILD PREFIX   what the build folder BUILD installs, under PREFIX, and what the editors that are there need
    install.py --undo         removes it

What came from here is kept, with its hashes, in octet/installed.json of $XDG_STATE_HOME (~/.local/state). What is there and did not come
from here, or was changed since, is neither replaced nor removed, but named. The editors' own configuration is the user's: the lines that
it needs are printed.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EDITORS = Path(__file__).resolve().parent
VSCODES = ("code", "code-insiders", "codium", "code-server", "cursor")
EXTENSION = "octet.octet"


def xdg_folder(variable, default):
    """As the XDG base directory specification says: a relative path counts as none."""
    value = os.environ.get(variable, "")
    return Path(value) if os.path.isabs(value) else Path.home() / default


def say(what, how):
    print(f"{what + ':' if what else '':<14} {how}", flush=True)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Manifest:
    """What came from here: files with their part and hash, the folders that were made for them, extensions of VS Code."""

    def __init__(self):
        self.path = xdg_folder("XDG_STATE_HOME", ".local/state") / "octet/installed.json"
        kept = {"files": {}, "folders": [], "extensions": {}}
        try:
            if self.path.exists():
                kept = json.loads(self.path.read_text())
            self.files, self.folders, self.extensions = (kept[name] for name in ("files", "folders", "extensions"))
        except (ValueError, KeyError, TypeError) as problem:
            sys.exit(f"install: {self.path}: expected what an earlier installation wrote, found something else ({problem!r})")

    def save(self):
        self.make_folder(self.path.parent)
        kept = {"files": self.files, "folders": self.folders, "extensions": self.extensions}
        replace(self.path, json.dumps(kept, indent=1).encode(), 0o644)

    def make_folder(self, folder):
        missing = [above for above in (folder, *folder.parents) if not above.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        self.folders += [str(above) for above in missing]

    def is_ours(self, path):
        """Whether a file is there as it was put there."""
        known = self.files.get(str(path))
        return known is not None and path.is_file() and not path.is_symlink() and digest(path) == known["sha256"]


def replace(path, content, mode):
    """The file has its old content or all of the new one; a binary that runs is left to those who run it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".octet-", delete=False) as new:
        try:
            new.write(content)
            new.flush()
            os.chmod(new.name, mode)
            os.replace(new.name, path)
        except BaseException:
            os.unlink(new.name)
            raise


def put(manifest, part, tree, root):
    """Copies a tree to `root`. Returns the files that are there and not ours, with what they are."""
    if root.is_symlink():
        return [f"{root} is a link, not from here"]
    left = []
    wanted = {root / source.relative_to(tree): source for source in sorted(tree.rglob("*")) if source.is_file()}
    for path, source in wanted.items():
        if (path.exists() or path.is_symlink()) and not manifest.is_ours(path):
            if path.is_symlink() or not path.is_file() or digest(path) != digest(source):
                left.append(f"{path} was {'changed' if str(path) in manifest.files else 'there before'}")
            continue
        manifest.make_folder(path.parent)
        replace(path, source.read_bytes(), 0o755 if os.access(source, os.X_OK) else 0o644)
        manifest.files[str(path)] = {"part": f"{part} {root}", "sha256": digest(source)}
    for name in [name for name, known in manifest.files.items() if known["part"] == f"{part} {root}" and Path(name) not in wanted]:
        left += remove(manifest, Path(name))  # of an older version
    return left


def remove(manifest, path):
    """Removes a file that is as it was put there. Returns why not, else nothing."""
    left = []
    if manifest.is_ours(path):
        path.unlink()
    elif path.exists() or path.is_symlink():
        left.append(f"{path} was changed")
    del manifest.files[str(path)]
    return left


def ask(*command, env=None):
    """Whether a program ended well, and what it said."""
    done = subprocess.run(command, env=os.environ | (env or {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode == 0, done.stdout.decode("utf-8", "replace").strip()


def extension_version(editor):
    """The version of the extension in an editor, or None."""
    _, listed = ask(editor, "--list-extensions", "--show-versions")
    return next((line.split("@")[1] for line in listed.splitlines() if line.startswith(EXTENSION + "@")), None)


class Installation:
    def __init__(self, manifest, prefix, scratch):
        self.manifest, self.prefix, self.scratch = manifest, prefix, scratch
        self.octet = prefix / "bin/octet"
        self.is_complete = True

    def put(self, what, part, tree, root, note=""):
        left = put(self.manifest, part, tree, root)
        n_files = sum(known["part"] == f"{part} {root}" for known in self.manifest.files.values())
        say(what, f"{n_files} file{'s' * (n_files != 1)} in {root}{note}")
        for reason in left:
            self.is_complete = False
            say("left", f"{reason}; move it away and install again")

    def programs(self, build):
        tree = self.scratch / "programs"
        done, output = ask("cmake", "--install", build, "--prefix", tree)
        if not done:
            sys.exit(f"install: {build} installs nothing: {output}")
        self.put("octet", "programs", tree, self.prefix, ": bin/octet, its model in share/octet")
        found = shutil.which("octet")
        if found is None or os.path.realpath(found) != os.path.realpath(self.octet):
            say("PATH", f"{self.octet.parent} is not in it" if found is None else f"has another octet first, {found}")

    def neovim(self):
        if not shutil.which("nvim"):
            return say("Neovim", "no nvim in PATH: no plugin")
        tree = self.scratch / "neovim"
        shutil.copytree(EDITORS / "neovim", tree, ignore=shutil.ignore_patterns("tags"))
        folders = {"OCTET_DOC": str(tree / "doc"), "XDG_CACHE_HOME": str(self.scratch / "editor"), "XDG_STATE_HOME": str(self.scratch / "editor")}
        ask("nvim", "--headless", "--clean", "-i", "NONE", "-c", "execute 'helptags' fnameescape($OCTET_DOC)", "-c", "qall!", env=folders)
        self.put("Neovim", "neovim", tree, xdg_folder("XDG_DATA_HOME", ".local/share") / "nvim/site/pack/octet/start/octet")
        say("", "in init.lua: require('octet').setup()")
        if shutil.which("octet") is None and self.prefix != Path.home() / ".local":
            say("", f"and before it, as octet is not in PATH: vim.g.octet_cmd = '{self.octet}'")

    def vscodes(self):
        found = [editor for editor in VSCODES if shutil.which(editor)]
        if not found:
            return say("VS Code", f"none of {', '.join(VSCODES)} in PATH: no extension")
        if not (shutil.which("node") and shutil.which("npm")):
            return say("VS Code", f"{', '.join(found)}: no extension, building it needs node and npm")
        folder = self.scratch / "vsix"
        done, output = ask(EDITORS.parent / "dev", "vsix", folder, env={"OCTET_BIN": str(self.octet)})
        if not done:
            self.is_complete = False
            return say("VS Code", f"the extension cannot be built: {output}")
        # With a server of its own where there can be one: an editor that was not started from a shell knows little of PATH.
        vsix = folder / ("octet-linux-x64.vsix" if os.uname().machine == "x86_64" else "octet.vsix")
        for editor in found:
            self.vscode(editor, vsix)

    def vscode(self, editor, vsix):
        version = extension_version(editor)
        if version and self.manifest.extensions.get(editor) != version:
            return say(editor, f"has {EXTENSION} {version}, not from here: left as it is")
        done, output = ask(editor, "--install-extension", vsix, "--force")
        version = extension_version(editor) if done else None
        if not version:
            self.is_complete = False
            return say(editor, f"does not take the extension: {output}")
        self.manifest.extensions[editor] = version
        say(editor, f"extension {EXTENSION} {version}, {vsix.name}")

    def others(self):
        if shutil.which("emacs"):
            tree, folder = self.scratch / "emacs", self.prefix / "share/emacs/site-lisp"
            tree.mkdir()
            shutil.copy(EDITORS / "emacs/octet.el", tree)
            self.put("Emacs", "emacs", tree, folder)
            say("", f'in init.el: (load "{folder / "octet"}") and (global-set-key (kbd "M-\\\\") #\'octet-suggest)')
            if shutil.which("octet") is None:
                say("", f'and, as octet is not in PATH: (setq octet-command \'("{self.octet}" "lsp" "--stdio"))')
        if shutil.which("hx") or shutil.which("helix"):
            say("Helix", "editors/README.md has the lines for config.toml")


def install(build, prefix):
    prefix = Path(os.path.abspath(prefix))
    if os.geteuid() == 0 and os.environ.get("SUDO_USER"):
        say("user", f"root, whose home is {Path.home()}; {os.environ['SUDO_USER']} installs without sudo")
    manifest = Manifest()
    with tempfile.TemporaryDirectory(prefix="octet-install-") as scratch:
        installation = Installation(manifest, prefix, Path(scratch))
        try:
            installation.programs(build)
            installation.neovim()
            installation.vscodes()
            installation.others()
        finally:
            manifest.save()
    say("undo", "./dev install --undo")
    return 0 if installation.is_complete else 1


def undo():
    manifest = Manifest()
    if not manifest.path.exists():
        say("undo", f"nothing is installed: there is no {manifest.path}")
        return 0
    n_files, left = len(manifest.files), []
    try:
        for name in list(manifest.files):
            left += remove(manifest, Path(name))
    except OSError:
        manifest.save()  # the rest is for another try
        raise
    say("removed", f"{n_files - len(left)} of {n_files} files")
    for editor, version in manifest.extensions.items():
        now = extension_version(editor) if shutil.which(editor) else None
        if now is None:
            say(editor, "is not there any more, or has no octet")
        elif now != version:
            left.append(f"the extension in {editor}, now {now}, was changed")
        else:
            done, output = ask(editor, "--uninstall-extension", EXTENSION)
            say(editor, f"extension {EXTENSION} removed" if done else f"does not remove {EXTENSION}: {output}")
    manifest.path.unlink()
    for folder in sorted(map(Path, manifest.folders), key=lambda folder: -len(folder.parts)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    for reason in left:
        say("left", reason)
    return 0


def main():
    parser = argparse.ArgumentParser(prog="install", usage="%(prog)s BUILD PREFIX | --undo")
    parser.add_argument("build", nargs="?")
    parser.add_argument("prefix", nargs="?")
    parser.add_argument("--undo", action="store_true")
    chosen = parser.parse_args()
    if chosen.undo != (chosen.prefix is None) or (chosen.undo and chosen.build):
        parser.error("expected a build folder and a prefix, or --undo")
    try:
        return undo() if chosen.undo else install(chosen.build, chosen.prefix)
    except OSError as problem:
        return f"install: {problem.filename}: {problem.strerror}"


sys.exit(main())
