#!/usr/bin/env python3
"""What a minimum of confidence brings: reads completions that `packages.py --editor-cursors N --json FILE` wrote.

    confidence.py FILE [--exponent E]

Prints which statistic tells right completions from wrong ones, how well the product of the bytes' probabilities is a probability, also
with the exponent that fits every second package best, judged on the others, and what each minimum would show.
"""
import argparse
import json
import math
import re

LENGTHS = [1, 4, 8, 16, None]  # None: the first line
WORD = re.compile(rb"[0-9A-Za-z_\x80-\xff]+|\s+|.", re.DOTALL)


def line_bytes(completion):
    return completion["text"].encode().split(b"\n")[0].rstrip(b"\r")


def points(completions):
    """(logarithm of the product, is right) at each length."""
    for completion in completions:
        for length in LENGTHS:
            n = len(line_bytes(completion)) if length is None else length
            if 0 < n <= len(completion["probabilities"]):
                product = sum(math.log(max(p, 1e-30)) for p in completion["probabilities"][:n])
                yield length, product, completion["right"] >= n


def calibration_error(pairs, exponent):
    bins = [[0.0, 0] for _ in range(10)]
    for _, product, right in pairs:
        confidence = math.exp(exponent * product)
        bin_ = bins[min(int(10 * confidence), 9)]
        bin_[0] += confidence
        bin_[1] += right
    return sum(abs(sure - right) for sure, right in bins) / max(len(pairs), 1)


def log_loss(pairs, exponent):
    total = 0.0
    for _, product, right in pairs:
        confidence = min(max(math.exp(exponent * product), 1e-9), 1 - 1e-9)
        total -= math.log(confidence if right else 1 - confidence)
    return total / len(pairs)


def area_under_curve(scored):
    """How often a right one scores above a wrong one."""
    ordered = sorted(scored)
    rank_sum, n_right, i = 0.0, 0, 0
    while i < len(ordered):
        j = i
        while j < len(ordered) and ordered[j][0] == ordered[i][0]:
            j += 1
        right = sum(is_right for _, is_right in ordered[i:j])
        rank_sum += right * (i + j + 1) / 2
        n_right += right
        i = j
    n_wrong = len(ordered) - n_right
    return (rank_sum - n_right * (n_right + 1) / 2) / max(n_right * n_wrong, 1)


def shown(completion, minimum, exponent):
    """How many bytes are left: what engine/decode/confidence_rule does."""
    text = completion["text"].encode()
    product, end, words = 0.0, 0, WORD.findall(text)
    position = 0
    for word in words:
        for probability in completion["probabilities"][position:position + len(word)]:
            product += math.log(max(probability, 1e-30))
        position += len(word)
        if math.exp(exponent * product) < minimum:
            return end
        if not word.isspace():
            end = position
    return len(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--exponent", type=float, default=1.0)
    options = parser.parse_args()
    with open(options.file) as file:
        packages = [row["confidence"]["completions"] for row in json.load(file)]
    everything = [completion for package in packages for completion in package]
    print(f"{len(everything)} cursors, {sum(bool(c['text']) for c in everything)} with text, {len(packages)} packages")

    lines = [(c["probabilities"][:len(line_bytes(c))], c["right"] >= len(line_bytes(c))) for c in everything if line_bytes(c)]
    for name, statistic in (("product", lambda p: sum(map(math.log, p))), ("geometric mean", lambda p: sum(map(math.log, p)) / len(p)),
                            ("smallest", min), ("first byte", lambda p: p[0])):
        print(f"first lines, area under the curve: {name:15} {area_under_curve([(statistic(p), right) for p, right in lines]):.3f}")

    fitted, judged = ([pair for package in packages[half::2] for pair in points(package)] for half in (0, 1))
    best = min((0.5 + 0.01 * i for i in range(100)), key=lambda exponent: log_loss(fitted, exponent))
    exponent = options.exponent
    print(f"the exponent that fits best: {best:.2f}")
    for name, pairs in (("fitted on", fitted), ("judged on", judged)):
        print(f"{name}: calibration error {calibration_error(pairs, 1):.4f}, with it {calibration_error(pairs, best):.4f}; "
              f"log loss {log_loss(pairs, 1):.4f}, with it {log_loss(pairs, best):.4f}; {len(pairs)} points")
    for length in LENGTHS:
        pairs = [pair for pair in fitted + judged if pair[0] == length]
        print(f"  {length or 'line':>5}: {calibration_error(pairs, exponent):.4f}, {len(pairs)} points")

    bins = [[0, 0.0, 0] for _ in range(10)]
    for _, product, right in fitted + judged:
        confidence = math.exp(exponent * product)
        bin_ = bins[min(int(10 * confidence), 9)]
        bin_[0] += 1
        bin_[1] += confidence
        bin_[2] += right
    print("sure/right (points): " + "  ".join(f"{sure / max(n, 1):.2f}/{right / max(n, 1):.2f} ({n})" for n, sure, right in bins))

    print(f"{'minimum':>8} {'with text':>10} {'of bytes right':>15} {'right a cursor':>15} {'wrong a cursor':>15} {'right - wrong/2':>16}")
    for minimum in [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]:
        n_shown = [shown(c, minimum, exponent) for c in everything]
        n_right = [min(n, c["right"]) for n, c in zip(n_shown, everything)]
        total, right = sum(n_shown), sum(n_right)
        print(f"{minimum:8.2f} {sum(map(bool, n_shown)) / len(everything):10.3f} {right / max(total, 1):15.3f} {right / len(everything):15.2f} "
              f"{(total - right) / len(everything):15.2f} {(right - 0.5 * (total - right)) / len(everything):16.2f}")


if __name__ == "__main__":
    main()
