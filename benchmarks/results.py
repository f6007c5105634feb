#!/usr/bin/env python3
"""Measures this machine with the default model: the body of `./dev results`.

    results.py OCTET_BENCH CACHE FOLDER [VERB...]

Writes FOLDER/VERB.json for decode, latency and quality, without the texts of single keys and completions, and FOLDER/VERB.html, which is
large and not kept in the repository: `octet-bench page FOLDER/VERB.json --html FILE` makes it again. Six files of each of seven packages, one
a language, of none of which anything was trained on; they are fetched into CACHE once, which is the workspace. Ten minutes.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import packages

HERE = pathlib.Path(__file__).parent
PACKAGES = ["rich", "tmux", "leveldb", "fd", "cobra", "express", "rxjs"]
FILES = 6  # of each
MAX_BYTES = 200_000


def draw(cache):
    """The files of all packages."""
    drawn = []
    for line in (HERE / "packages.txt").read_text().splitlines():
        language, name, source, package = line.split() if not line.startswith("#") else [None] * 4
        if name in PACKAGES:
            tree = packages.fetch(source, package, cache / name) / "tree"
            drawn += packages.draw(tree, language, name, FILES)
    return drawn


def commands(cache):
    """The verbs, and what they are run with."""
    drawn = draw(cache)
    samples = sorted((HERE / "samples").glob("*.*"))
    return {
        "decode": ["--batch", "1,2,4,8", "--files", *samples],
        # Without a workspace: while a server indexes one, what it suggests depends on how far it has come.
        "latency": ["--keys", 90, "--files", *drawn[:: 3 * FILES]],
        "quality": ["--replay-bytes", 400, "--editor-cursors", 12, "--workspace", cache, "--files", *drawn],
    }


def compact(value, roots):
    """Without texts, paths from one of `roots` on, numbers with six digits."""
    if isinstance(value, dict):
        return {name: compact(part, roots) for name, part in value.items() if name not in ("completions", "text")}
    if isinstance(value, list):
        return [compact(part, roots) for part in value]
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, str):
        for root in roots:
            value = value.replace(f"{root}/", "")
    return value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("verbs", nargs="*")
    options = parser.parse_args()
    cache = options.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    every = commands(cache)
    for verb in options.verbs or every:
        if verb not in every:
            sys.exit(f"{verb}: expected one of {', '.join(every)}")
        result = options.folder / f"{verb}.json"
        print(f"\n== {verb}", flush=True)
        done = subprocess.run([options.bench, verb, "--json", result, *map(str, every[verb])])
        if done.returncode != 0:
            sys.exit(f"{verb} failed")
        short = {"verb": verb, **compact(json.loads(result.read_text()), [cache, pathlib.Path(options.bench).resolve().parent])}
        result.write_text(json.dumps(short, separators=(",", ":"), ensure_ascii=False) + "\n")
        if result.stat().st_size > MAX_BYTES:
            sys.exit(f"{result}: {result.stat().st_size} bytes, expected {MAX_BYTES} at most")
        subprocess.run([options.bench, "page", result, "--html", result.with_suffix(".html")], check=True)


if __name__ == "__main__":
    main()
