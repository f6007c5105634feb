#!/usr/bin/env python3
"""What eight heads cost and bring: the runs behind the tables of bytemodel/training/README.md.

    run.py OCTET_TRAIN CORPUS FOLDER [--megabytes N] [--seeds N]

Trains each row of the plan on the same bytes, scores it on the corpus's held-out text and writes FOLDER/results.json and
FOLDER/results.md. A run whose score is there already is not made again, so the script can be stopped and started.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

SIZES = [(64, 2), (128, 3), (192, 4), (256, 5)]  # d_model, layers
MIDDLE = (128, 3)
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
        subprocess.run([arguments.octet_train, "eval", "--run", str(folder), "--sequences", "48", "--cursors", "24", "--json", str(score),
                        *common], check=True, stdout=subprocess.DEVNULL)
        for checkpoint in folder.glob("checkpoint-*"):
            checkpoint.unlink()
    return json.loads(score.read_text())["all"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("octet_train")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--megabytes", type=float, default=3)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()

    rows = {}
    for name, *rest in plan(arguments.seeds):
        score = run(arguments, name, *rest)
        rows.setdefault(name.rsplit("-", 1)[0], []).append(
            {"bits": score["bits_per_byte"][0], "accepted": score["accepted_per_step"]})
        (arguments.folder / "results.json").write_text(json.dumps(rows, indent=1))

    lines = ["| heads | model | bits per byte of head 1 | bytes per step |", "|---|---|---|---|"]
    for name, seeds in rows.items():
        heads, model = name.rsplit("-", 1)
        cells = [" / ".join(f"{seed[key]:.{digits}f}" for seed in seeds) + f", mean {statistics.mean(s[key] for s in seeds):.{digits}f}"
                 for key, digits in (("bits", 3), ("accepted", 2))]
        lines.append(f"| {heads} | {model} | {cells[0]} | {cells[1]} |")
    text = "\n".join(lines) + "\n"
    (arguments.folder / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
