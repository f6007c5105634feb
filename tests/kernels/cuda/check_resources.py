"""What nvcc made of the CUDA kernels, for each architecture: no register goes to memory, none takes more than its share, weights come 16
bytes at a time, nothing is multiplied and added in one rounding.

    check_resources.py NVCC ROOT OBJECT...; beside each object lies OBJECT.report, what ptxas said of it (kernels/cuda/keep_report.py)

Exit code 77: there is no nvcc.
"""

import pathlib
import re
import subprocess
import sys

ARCHITECTURES = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_120")
MAX_REGISTERS = 128  # two blocks of 256 threads on a multiprocessor
# Of each source; two where there is one for int8 and one for bf16.
KERNELS = {"accept": 1, "add_product": 2, "attention": 2, "chunk_product": 2, "draft": 2, "embed": 4, "finish_heads": 2, "finish_product": 2,
           "gate_up": 2, "head": 2, "qkv": 2, "quantize": 2, "unpack": 1, "device": 0, "matmul": 0}
LOADS_AT_ONCE = 8
STEP_PRODUCTS = ("add_product", "embed", "gate_up", "head", "qkv")  # which norm or convert their rows first
PRODUCTS = ("add_product", "chunk_product", "draft", "embed", "gate_up", "head", "qkv")

ENTRY = re.compile(r"Compiling entry function '(\w+)' for '(sm_\d+)'")
SPILLS = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
REGISTERS = re.compile(r"Used (\d+) registers")


def check_report(name, text):
    found = {}
    kernel = None
    for line in text.splitlines():
        if match := ENTRY.search(line):
            kernel = (match[1], match[2])
        elif kernel and (match := SPILLS.search(line)):
            if any(int(n) for n in match.groups()):
                yield "%s for %s: %s" % (name, kernel[1], match[0])
        elif kernel and (match := REGISTERS.search(line)):
            found.setdefault(kernel[1], []).append(int(match[1]))
            if int(match[1]) > MAX_REGISTERS:
                yield "%s for %s: %s registers, at most %d are allowed" % (name, kernel[1], match[1], MAX_REGISTERS)
    if KERNELS[name] > 0 and set(found) != set(ARCHITECTURES):
        yield "%s: reported for %s, expected %s" % (name, sorted(found), sorted(ARCHITECTURES))
    for architecture, kernels in found.items():
        if len(kernels) != KERNELS[name]:
            yield "%s for %s: %d kernels, expected %d" % (name, architecture, len(kernels), KERNELS[name])


def check_ptx(name, ptx):
    if re.search(r"\bfma\.", ptx):
        yield name + ": multiplies and adds in one rounding"
    if "mma.sync" not in ptx:
        return
    for instruction in ("s32.s8.s8.s32", "f32.bf16.bf16.f32"):
        if instruction not in ptx:
            yield "%s: no mma of %s" % (name, instruction)
    # The load of a fragment's four registers comes right before its product.
    for kernel in re.split(r"\.entry\b", ptx)[1:]:
        if name not in PRODUCTS or "mma.sync" not in kernel:
            continue
        if not re.search(r"ld\.global(\.nc)?\.v4\.(u32|b32)", kernel):
            yield name + ": no weights come 16 bytes at a time"
        order = "".join(op[0] for op in re.findall(r"ld\.global(?:\.nc)?\.v4|mma\.sync", kernel))
        if name in STEP_PRODUCTS and "l" * LOADS_AT_ONCE not in order:
            yield "%s: not %d weights are asked for before the first is used" % (name, LOADS_AT_ONCE)
        if name in STEP_PRODUCTS and "prefetch.global.L2" not in kernel:
            yield name + ": weights are not asked for before the rows are ready"
        if re.search(r"ld\.global(\.nc)?\.(u8|s8|b8|u16|b16)[^\n]*\n[^\n]*mma\.sync", kernel):
            yield name + ": weights come number by number"
    if name == "attention" and "cp.async.cg.shared.global" not in ptx:
        yield name + ": keys and values do not come by async copies"


def main():
    nvcc, root, objects = sys.argv[1], pathlib.Path(sys.argv[2]), [pathlib.Path(path) for path in sys.argv[3:]]
    if not pathlib.Path(nvcc).exists():
        print("no nvcc: skipped")
        return 77
    wrong, names = [], []
    for path in objects:
        if not path.name.endswith(".cu.o"):
            continue
        name = path.name.removesuffix(".cu.o")
        names.append(name)
        wrong += check_report(name, pathlib.Path(str(path) + ".report").read_text())
        source = root / "kernels/cuda" / (name + ".cu")
        command = [nvcc, "-std=c++20", "--expt-relaxed-constexpr", "-fmad=false", "-arch=sm_80", "-I", root, "-ptx", source, "-o", "-"]
        wrong += check_ptx(name, subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if set(names) != set(KERNELS):
        wrong.append("objects of %s, expected %s" % (sorted(names), sorted(KERNELS)))
    print("\n".join(wrong + ["%d objects, %d broken rules" % (len(names), len(wrong))]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
