#!/usr/bin/env python3
"""What eight heads cost and bring: the runs behind the tables of bytemodel/training/README.md.

    run.py OCTET_TRAIN CORPUS FOLDER [--megabytes N] [--seeds N]

Trains each row of the plan on the same bytes, scores it on the corpus's held-out text and writes FOLDER/results.json,
results.md and results.svg. A run whose score is there already is not made again, so the script can be stopped and started.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

SIZES = [(64, 2), (128, 2), (128, 4), (192, 4)]  # d_model, layers
MIDDLE = (128, 2)
SCHEDULES = ["next-byte", "constant", "curriculum"]
STRONG = 2.0  # summed weight of the extra heads that held the seed model's first head back


def plan(seeds):
    """(name, d_model, layers, seed, options, name of the run that it starts from)"""
    for seed in range(1, seeds + 1):
        for d_model, layers in SIZES:
            for schedule in SCHEDULES if (d_model, layers) == MIDDLE else ["next-byte", "curriculum"]:
                yield f"{schedule}-{d_model}x{layers}-{seed}", d_model, layers, seed, ["--head-schedule", schedule], None
        d_model, layers = MIDDLE
        yield (f"constant-{STRONG:g}-{d_model}x{layers}-{seed}", d_model, layers, seed,
               ["--head-schedule", "constant", "--extra-weight", f"{STRONG:g}"], None)
        yield (f"frozen-trunk-{d_model}x{layers}-{seed}", d_model, layers, seed, ["--head-schedule", "frozen-trunk"],
               f"next-byte-{d_model}x{layers}-{seed}")


def run(arguments, name, d_model, layers, seed, options, start):
    folder = arguments.folder / name
    score = folder / "score.json"
    if not score.exists():
        common = ["--corpus", str(arguments.corpus)]
        command = [arguments.octet_train, "train", "--run", str(folder), "--d-model", str(d_model), "--layers", str(layers), "--seed",
                   str(seed), "--megabytes", str(arguments.megabytes), "--batch", "8", *options, *common]
        if start is not None:
            command += ["--start", str(arguments.folder / start / "model.safetensors")]
        print(f"-- {name}", flush=True)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([arguments.octet_train, "export", "--run", str(folder), "--out", str(folder / "model.safetensors")], check=True,
                       stdout=subprocess.DEVNULL)
        cursors = "0" if "next-byte" in options else "12"  # untrained heads draft nothing
        subprocess.run([arguments.octet_train, "eval", "--run", str(folder), "--sequences", "32", "--cursors", cursors, "--json",
                        str(score), *common], check=True, stdout=subprocess.DEVNULL)
        for checkpoint in folder.glob("checkpoint-*"):
            checkpoint.unlink()
    return json.loads(score.read_text())["all"]


def draw(rows):
    """Two panels over the model's size: bits per byte of head 1, bytes accepted per step; a dot a seed, a line through the means."""
    panels = [("bits", "bits per byte of head 1"), ("accepted", "bytes per verify step")]
    colours = {"next-byte": "#7f8c8d", "curriculum": "#1b6ca8"}
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 320" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>']
    for panel, (key, title) in enumerate(panels):
        left = 60 + 400 * panel
        values = [seed[key] for heads in colours for d, layers in SIZES for seed in rows[f"{heads}-{d}x{layers}"]]
        low, high = min(values), max(values)
        x = lambda at: left + 30 + at * 280 / (len(SIZES) - 1)
        y = lambda value: 260 - (value - low) / (high - low) * 200
        out.append(f'<text x="{left}" y="30">{title}</text>')
        for value in (low, (low + high) / 2, high):
            out.append(f'<line x1="{left}" x2="{left + 330}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>'
                       f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>')
        for at, (d, layers) in enumerate(SIZES):
            out.append(f'<text x="{x(at):.1f}" y="285" text-anchor="middle">d {d} x {layers}</text>')
        for line, (heads, colour) in enumerate(colours.items()):
            seeds = [rows[f"{heads}-{d}x{layers}"] for d, layers in SIZES]
            means = " ".join(f"{x(at):.1f},{y(statistics.mean(s[key] for s in of)):.1f}" for at, of in enumerate(seeds))
            out.append(f'<polyline fill="none" stroke="{colour}" points="{means}"/>'
                       f'<text x="{left + 200}" y="{16 + 16 * line}" fill="{colour}">{heads}</text>')
            out += [f'<circle cx="{x(at):.1f}" cy="{y(seed[key]):.1f}" r="3" fill="{colour}"/>' for at, of in enumerate(seeds) for seed in of]
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("octet_train")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--megabytes", type=float, default=1.5)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()

    rows = {}
    for name, *rest in plan(arguments.seeds):
        score = run(arguments, name, *rest)
        rows.setdefault(name.rsplit("-", 1)[0], []).append(
            {"bits": score["bits_per_byte"][0], "accepted": max(1.0, score["accepted_per_step"])})
        (arguments.folder / "results.json").write_text(json.dumps(rows, indent=1))

    lines = ["| heads | model | bits per byte of head 1 | bytes per step |", "|---|---|---|---|"]
    for name, seeds in rows.items():
        heads, model = name.rsplit("-", 1)
        cells = [" / ".join(f"{seed[key]:.{digits}f}" for seed in seeds) + f", mean {statistics.mean(s[key] for s in seeds):.{digits}f}"
                 for key, digits in (("bits", 3), ("accepted", 2))]
        lines.append(f"| {heads} | {model} | {cells[0]} | {cells[1]} |")
    text = "\n".join(lines) + "\n"
    (arguments.folder / "results.md").write_text(text)
    (arguments.folder / "results.svg").write_text(draw(rows))
    print(text)


if __name__ == "__main__":
    main()
