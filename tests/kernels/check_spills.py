"""Fails where a hot loop of a kernel keeps vectors on the stack: an accumulator that leaves its register costs half the speed.

A hot loop is an innermost loop (from a backward jump to its target, no other such loop inside) that holds a multiplication of
int8 or 16-bit integers.

    check_spills.py OBJDUMP MINIMUM OBJECT...; MINIMUM: how many hot loops there must be, so that the test sees what it should
"""

import re
import subprocess
import sys

PRODUCT = re.compile(r"\bv?p(dpbusd|dpwssd|maddubsw|maddwd)\b")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(.*)$")
JUMP = re.compile(r"^j[a-z]+\s+([0-9a-f]+)\b")
STACK_VECTOR = re.compile(r"\((%rsp|%rbp)[^)]*\).*%[xyz]mm|%[xyz]mm.*\((%rsp|%rbp)")


def functions(objdump, path):
    listing = subprocess.run([objdump, "-d", "--no-show-raw-insn", path], check=True, capture_output=True, text=True).stdout
    current = []
    for line in listing.splitlines():
        if line.endswith(">:"):
            if current:
                yield current
            current = []
        elif match := INSTRUCTION.match(line):
            current.append((int(match[1], 16), match[2]))
    if current:
        yield current


def innermost_loops(code):
    """Bodies (lists of instructions) of the loops that hold no other."""
    address = {place: i for i, (place, _) in enumerate(code)}
    loops = []
    for i, (place, text) in enumerate(code):
        jump = JUMP.match(text)
        if jump and int(jump[1], 16) <= place and int(jump[1], 16) in address:
            loops.append((address[int(jump[1], 16)], i))
    for first, last in loops:
        if not any((first, last) != other and first <= other[0] and other[1] <= last for other in loops):
            yield [text for _, text in code[first:last + 1]]


def main(objdump, minimum, *paths):
    n_hot = 0
    n_faults = 0
    for path in paths:
        for code in functions(objdump, path):
            for body in innermost_loops(code):
                if not any(PRODUCT.search(text) for text in body):
                    continue
                n_hot += 1
                spills = [text for text in body if STACK_VECTOR.search(text)]
                if spills:
                    n_faults += 1
                    print("%s: a hot loop of %d instructions uses the stack:\n  %s" % (path, len(body), "\n  ".join(spills)))
    print("%d hot loops, %d of them with vectors on the stack" % (n_hot, n_faults))
    if n_hot < int(minimum):
        print("expected at least %s hot loops" % minimum)
    return 0 if n_faults == 0 and n_hot >= int(minimum) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
