"""The real cuBLASLt, beside the emulator's: it has the functions that kernels/cuda/cublas_lt.h names, and where there is no GPU it says so
without an accident. More cannot be tried without one.

    check_cublas.py NVCC ROOT

Exit code 77: there is no nvcc, or no cuBLASLt beside it.
"""

import ctypes
import pathlib
import re
import sys


def main():
    nvcc, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    toolkit = nvcc.resolve().parent.parent
    version = toolkit / "include/cublas_api.h"
    match = re.search(r"#define CUBLAS_VER_MAJOR (\d+)", version.read_text()) if version.exists() else None
    library = toolkit / "lib64" / ("libcublasLt.so.%s" % match[1]) if match else None
    if library is None or not library.exists():
        print("no cuBLASLt of a CUDA toolkit: skipped")
        return 77
    cublas = ctypes.CDLL(str(library))
    names = re.findall(r"\buse\((\w+)\)", (root / "kernels/cuda/cublas_lt.h").read_text())
    missing = [name for name in names if not hasattr(cublas, "cublasLt" + name)]
    print("%s: %d functions looked for, missing: %s" % (library.name, len(names), missing))
    handle = ctypes.c_void_p()
    status = cublas.cublasLtCreate(ctypes.byref(handle))
    print("cublasLtCreate: %d" % status)
    return 0 if len(names) > 10 and not missing and (status == 0) == bool(handle.value) else 1


if __name__ == "__main__":
    sys.exit(main())
