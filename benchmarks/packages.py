#!/usr/bin/env python3
"""Measures the workspace memory on packages: octet-bench quality for a few files of each, the rest of the package being the workspace.

    packages.py OCTET_BENCH CACHE [--files N] [--bytes N] [--replay-bytes N] [--model FILE] [--mixer FILE] [--json FILE]

Fetches the packages of packages.txt by Debian's and npm's own clients into CACHE, once. Files of at least 1,000 bytes are drawn by a fixed
seed, each package's by its name.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ENDINGS = {"python": [".py"], "c": [".c", ".h"], "cpp": [".cpp", ".cc", ".h", ".hpp", ".hxx"], "rust": [".rs"], "go": [".go"],
           "javascript": [".js", ".mjs"], "typescript": [".ts"]}
# What an unpacked package has beside its own source: copies for other module systems, the distribution's patches.
LEFT_OUT = {"debian", ".pc", "node_modules", "dist", "esm", "esm5", "cjs", "bundles"}


def fetch(source, package, folder):
    """The package's tree below `folder`."""
    if folder.exists():
        return folder
    part = folder.with_suffix(".part")
    subprocess.run(["rm", "-rf", part], check=True)
    part.mkdir(parents=True)
    quiet = {"cwd": part, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if source == "deb-src":
        subprocess.run(["apt-get", "source", "--download-only", package], **quiet)
        for control in part.glob("*.dsc"):
            subprocess.run(["dpkg-source", "--no-check", "--skip-patches", "-x", control.name, "tree"], **quiet)
    elif source == "deb":
        subprocess.run(["apt-get", "download", package], **quiet)
        for archive in part.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive.name, "tree"], **quiet)
    else:
        subprocess.run(["npm", "pack", "--silent", package], **quiet)
        (part / "tree").mkdir()
        for archive in part.glob("*.tgz"):
            subprocess.run(["tar", "xf", archive.name, "-C", "tree"], **quiet)
    for left_out in list((part / "tree").rglob("*")):
        if left_out.is_dir() and left_out.name in LEFT_OUT:
            subprocess.run(["rm", "-rf", left_out], check=True)
    part.rename(folder)
    return folder


def draw(folder, language, name, count):
    files = sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS[language] and path.is_file() and not path.is_symlink()
                   and path.stat().st_size >= 1000)
    return random.Random(name).sample(files, min(count, len(files)))


def print_replay(name, rows):
    """What typing with suggestions came to: sums over packages."""
    replays = [row["replay"] for row in rows]
    total = {count: sum(replay[count] for replay in replays) for count in replays[0]}
    if not total["keys_without"]:
        return
    offers, attention, typing = max(total["suggestions"], 1), max(total["attention_s"], 1e-9), rows[0]["typing"]
    saved = total["keys_without"] - total["keys"]
    print(f"{name:10} {total['keys_without']} keys, {saved / total['keys_without']:.3f} saved;"
          f" time saved {(saved * typing['key_ms'] / 1e3 - total['attention_s']) / total['time_without_s']:.3f};"
          f" {total['suggestions']} suggestions, taken whole {total['accepted_whole'] / offers:.3f}, partly {total['accepted_partly'] / offers:.3f};"
          f" characters right {total['right_characters'] / max(total['shown_characters'], 1):.3f}, a second of attention"
          f" {total['shown_characters'] / attention:.1f} shown, {total['right_characters'] / attention:.1f} right;"
          f" {total['computed'] / total['keys']:.2f} computed a key; even at {saved * typing['key_ms'] / offers:.0f} ms a suggestion")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--bytes", type=int, default=6000)
    parser.add_argument("--cursors", type=int, default=8)
    parser.add_argument("--completions", type=int, default=2)
    parser.add_argument("--editor-cursors", type=int, default=0)
    parser.add_argument("--replay-bytes", type=int, default=0)
    parser.add_argument("--min-confidence", type=float)
    parser.add_argument("--no-workspace", action="store_true")
    parser.add_argument("--no-syntax", action="store_true")
    parser.add_argument("--auto-close", action="store_true")
    parser.add_argument("--model")
    parser.add_argument("--mixer")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    rows = []
    for line in (HERE / "packages.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        language, name, source, package = line.split()
        if options.only and name not in options.only:
            continue
        tree = fetch(source, package, options.cache / name) / "tree"
        out = options.json.with_suffix(".part") if options.json else options.cache / "result.json"
        command = [options.bench, "quality", "--workspace", "none" if options.no_workspace else tree, "--json", out, "--bytes",
                   str(options.bytes), "--cursors", str(options.cursors), "--completions", str(options.completions), "--editor-cursors",
                   str(options.editor_cursors), "--replay-bytes", str(options.replay_bytes)]
        if options.min_confidence is not None:
            command += ["--min-confidence", str(options.min_confidence)]
        command += [flag for flag, is_set in (("--no-syntax", options.no_syntax), ("--auto-close", options.auto_close)) if is_set]
        for flag in ("model", "mixer"):
            if getattr(options, flag):
                command += ["--" + flag, getattr(options, flag)]
        done = subprocess.run(command + ["--files", *draw(tree, language, name, options.files)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{name}: {done.stdout}{done.stderr}")
        row = {"language": language, "name": name, **json.loads(out.read_text())}
        rows.append(row)
        everything, apart = row["all"], row["without_boilerplate"]
        memory, net = row["with_memory"], row["net_alone"]
        print(f"{name:10} {language:10} bits {everything['net']['bits_per_byte']:.3f} -> {everything['mixed']['bits_per_byte']:.3f}"
              f"  no boilerplate {apart['net']['bits_per_byte']:.3f} -> {apart['mixed']['bits_per_byte']:.3f}"
              f"  right {everything['net']['next_byte_right']:.2f} -> {everything['mixed']['next_byte_right']:.2f}"
              f"  lines {net['exact_lines']} -> {memory['exact_lines']} of {memory['lines']}"
              f"  a step {net['bytes_per_step']:.2f} -> {memory['bytes_per_step']:.2f}"
              f"  kB/s {net['bytes_per_s'] / 1e3:.1f} -> {memory['bytes_per_s'] / 1e3:.1f}"
              f"  mixing {row['mix_us_per_byte']:.1f} us", flush=True)
    for chosen in ("net", "mixed"):
        for part in ("all", "without_boilerplate"):
            print(f"mean {part} {chosen}: {sum(r[part][chosen]['bits_per_byte'] for r in rows) / len(rows):.4f}")
    for language in dict.fromkeys(row["language"] for row in rows):
        sound = [row["soundness"] for row in rows if row["language"] == language]
        total = {name: sum(s[name] for s in sound) for name in sound[0] if not name.endswith("_ms")}
        if total["completions"]:
            print(f"{language:10} {total['completions']} cursors, {total['with_text']} with text, {total['new_errors']} with a new error"
                  f" (the truth: {total['truth_new_errors']}), {total['duplicated_closers']} with a closer twice, {total['exact_lines']} lines exact,"
                  f" {total['right_bytes']} bytes right, {total['wrong_bytes']} wrong;"
                  f" tree {max(s['syntax_ms']['p50'] for s in sound):.2f} ms p50, {max(s['syntax_ms']['p99'] for s in sound):.2f} ms p99")
    for language in dict.fromkeys(row["language"] for row in rows):
        print_replay(language, [row for row in rows if row["language"] == language])
    print_replay("all", rows)
    if options.json:
        out.unlink()
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
