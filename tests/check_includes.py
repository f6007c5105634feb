#!/usr/bin/env python3
"""Which folder may include whom: the table of ARCHITECTURE.md, enforced.

usage: check_includes.py [ROOT]; prints each include that breaks a rule, exits with 1 if there was one.
"""

import pathlib
import re
import sys

# folder -> what its #include "..." may begin with. The longest matching folder decides.
OWN = {
    "kernels": ["kernels/"],
    "bytemodel": ["bytemodel/"],
    "bytemodel/training": ["bytemodel/", "kernels/"],
    # The mixer is trained on what the engine computes.
    "bytemodel/training/mixer": ["bytemodel/", "kernels/", "engine/decode/", "engine/memory/", "engine/model/"],
    "bytemodel/training/commands/mixer.cpp": ["bytemodel/", "engine/model/open_runner.h"],
    "engine": ["engine/", "bytemodel/", "kernels/"],
    # The server knows the engine's public headers and the two shared values.
    "lsp": ["lsp/", "engine/engine.h", "engine/completion.h", "engine/context/document.h", "engine/model/open_runner.h",
            "engine/memory/file_descriptor.h", "engine/memory/memory_store.h", "engine/memory/workspace_files.h",
            "engine/memory/workspace_index.h", "bytemodel/result.h", "bytemodel/check.h", "bytemodel/json_depth.h"],
    # The verbs put the parts together; options names the model format in --version.
    "lsp/commands": ["lsp/", "engine/completer.h", "engine/completion.h", "engine/memory/", "engine/model/open_runner.h", "bytemodel/"],
    "lsp/options.cpp": ["lsp/", "bytemodel/model_file.h"],
    "benchmarks": ["benchmarks/", "engine/", "bytemodel/", "kernels/", "lsp/"],
    "tests": ["tests/", "engine/", "bytemodel/", "kernels/", "lsp/", "benchmarks/"],
}

# Third-party headers, by their first path component or name: who may see them.
THIRD_PARTY = {
    "boost": ["lsp", "benchmarks", "tests"],
    "cublasLt.h": ["kernels/cuda"],
    "cuda_runtime.h": ["kernels/cuda"],
    "sanitizer": ["tests"],
    "nlohmann": ["bytemodel", "lsp", "benchmarks", "tests"],
    "openssl": ["bytemodel", "lsp"],
    "git2.h": ["engine/memory", "tests"],
    "git2": ["engine/memory"],
    "utf8proc.h": ["engine/decode", "tests"],
    "CLI": ["lsp", "benchmarks", "bytemodel/training"],
    "spdlog": ["lsp", "tests"],
    "fmt": ["bytemodel", "engine", "lsp", "benchmarks", "tests"],
    "tl": ["bytemodel"],
    "catch2": ["tests"],
    "rapidcheck.h": ["tests"],
    "rapidcheck": ["tests"],
    "simde": ["tests"],
    "tree_sitter": ["engine/syntax"],
    "torch": ["bytemodel/training", "tests/training"],
    "ATen": ["bytemodel/training"],
}

# The kernel files stay pure: no part of the standard library that has code of its own. The compiler's intrinsics are always
# inlined, as check_purity.py sees in the objects.
KERNEL_STD = {"algorithm", "array", "bit", "cmath", "cpuid.h", "cstddef", "cstdint", "emmintrin.h", "immintrin.h", "span", "string_view", "utility"}

# The library of CUDA kernels is loaded alone, for those who have a GPU.
CUDA_STD = {"cublasLt.h", "cuda_runtime.h", "cstdio", "ctime", "dlfcn.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def longest_match(path, table):
    return max((key for key in table if path == key or path.startswith(key + "/")), key=len)


def broken_rules(path, text):
    folder = longest_match(path, OWN)
    for quote, name in INCLUDE.findall(text):
        if quote == '"':
            if not any(name.startswith(allowed) for allowed in OWN[folder]):
                yield '%s: includes "%s", %s/ may include %s' % (path, name, folder, ", ".join(OWN[folder]))
            continue
        first = name.split("/")[0]
        if first in THIRD_PARTY and not any(path.startswith(allowed + "/") for allowed in THIRD_PARTY[first]):
            yield "%s: includes <%s>, only %s may" % (path, name, ", ".join(THIRD_PARTY[first]))
        if folder == "kernels" and name not in KERNEL_STD and not (name in CUDA_STD and path.startswith("kernels/cuda/")):
            yield "%s: includes <%s>, kernels/ may include %s" % (path, name, ", ".join(sorted(KERNEL_STD)))


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    n_files, broken = 0, []
    for folder in ("kernels", "bytemodel", "engine", "lsp", "benchmarks", "tests"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".h", ".cpp", ".cu") and "node_modules" not in file.parts:
                n_files += 1
                broken += broken_rules(file.relative_to(root).as_posix(), file.read_text())
    print("\n".join(broken + ["%d files, %d broken rules" % (n_files, len(broken))]))
    return 1 if broken or n_files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
