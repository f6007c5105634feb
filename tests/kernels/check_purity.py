"""Fails unless the objects of one instruction set are pure: they define `kTable` of their namespace and nothing else that
another object could see, and need nothing but the memory functions of C and log.

An object compiled for a newer processor must not define weak symbols (inline functions, templates of the standard library):
the linker keeps one copy of each for the whole program, and would be free to keep the one that older processors cannot run.

    check_purity.py NM ISA OBJECT...
"""

import subprocess
import sys

# What a compiler may call on its own for a copy or a fill; and log, which is no template and which the training kernels take
# from the C library once a row.
ALLOWED_CALLS = {"memcpy", "memmove", "memset", "memcmp", "log", "_GLOBAL_OFFSET_TABLE_"}
# What instrumented builds add: calls into their runtime, and the indicator that AddressSanitizer sets beside each global.
INSTRUMENTATION = ("__asan_", "__ubsan_", "__tsan_", "__sanitizer_", "__stack_chk_", "__odr_asan", "__gcov_")


def symbols(nm, path):
    listing = subprocess.run([nm, path], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) >= 2 and not line.endswith(":"):
            yield fields[-2], fields[-1]


def faults(nm, isa, path):
    table = f"_ZN5octet7kernels{len(isa)}{isa}6kTableE"
    found_table = False
    for kind, name in symbols(nm, path):
        if name.startswith(INSTRUMENTATION):
            continue
        if kind in "WVwvu":
            yield f"weak symbol {name} ({kind})"
        elif kind == "U":
            if name not in ALLOWED_CALLS:
                yield f"needs {name} from elsewhere"
        elif name == table:
            found_table = True
        elif kind.isupper() and kind != "N":
            yield f"defines {name} ({kind}) for others to see"
    if not found_table:
        yield f"does not define {table}"


def main(nm, isa, *paths):
    n_faults = 0
    for path in paths:
        for fault in faults(nm, isa, path):
            print(f"{path}: {fault}")
            n_faults += 1
    if not paths:
        print("no object to look at")
    return 0 if paths and n_faults == 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
