"""What goes into the runtime and what each part is licensed under."""

from __future__ import annotations

from dataclasses import dataclass

from runtime_build.target import Target

RELEASE = "bookworm"
PYTHON = "python3.11"
COMPILER_PACKAGES = ("python3.11-minimal", "libc6", "libexpat1", "zlib1g")
"""What runs the interpreter on the building machine; it compiles the modules."""

_GCC = "GPL-3.0-or-later WITH GCC-exception-3.1"
PACKAGES = {
    "libc6": "LGPL-2.1-or-later",
    "libgcc-s1": _GCC,
    "libstdc++6": _GCC,
    "zlib1g": "Zlib",
    "libexpat1": "MIT",
    "libffi8": "MIT",
    "libsodium23": "ISC",
    "python3.11-minimal": "PSF-2.0",
    "libpython3.11-minimal": "PSF-2.0",
    "libpython3.11-stdlib": "PSF-2.0",
    "python3-numpy": "BSD-3-Clause",
    "libblas3": "BSD-3-Clause",
    "libgfortran5": _GCC,
}
QUADMATH = "libquadmath0"
QUADMATH_LICENCE = "LGPL-2.0-or-later"
TEXT_PACKAGES = ("gcc-12-base", "base-files")
"""Their copyright texts and common licences are meant by the texts of the others."""

WHEELS = {
    "onnxruntime": "MIT",
    "pyzmq": "BSD-3-Clause AND MPL-2.0 AND ISC",
    "msgpack": "Apache-2.0",
    "rfc8785": "Apache-2.0",
}
PROJECT_LICENCE = "Apache-2.0"

LIBRARIES = (
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libz.so.1",
    "libexpat.so.1",
    "libffi.so.8",
    "libsodium.so.23",
    "libblas.so.3",
    "libgfortran.so.5",
)
LIBRARY_FOLDERS = ("lib/{triplet}", "usr/lib/{triplet}", "usr/lib/{triplet}/blas")

EXTENSION_MODULES = (
    "_asyncio",
    "_contextvars",
    "_ctypes",
    "_decimal",
    "_json",
    "_opcode",
    "_queue",
    "_typing",
    "mmap",
    "resource",
)
"""Of the interpreter's own; those it can do without (TLS, curses, databases) stay out."""


@dataclass(frozen=True)
class ModuleTree:
    """A package of Python modules; of what it holds, these parts stay out."""

    name: str
    without: frozenset[str] = frozenset()
    """Folders, relative to the package."""


NUMPY = ModuleTree(
    "numpy",
    frozenset(
        {
            *("_pyinstaller", "array_api", "conftest.py", "distutils", "doc", "f2py"),
            *("random/_examples", "testing"),
        }
    ),
)
WHEEL_TREES = {
    "onnxruntime": ModuleTree(
        "onnxruntime", frozenset({"backend", "datasets", "quantization", "tools", "transformers"})
    ),
    "pyzmq": ModuleTree(
        "zmq", frozenset({"backend/cffi", "devices", "eventloop", "green", "log", "ssh"})
    ),
    "msgpack": ModuleTree("msgpack"),
    "rfc8785": ModuleTree("rfc8785"),
}
REPLACED = ("cryptography", "numpy")
"""Packages that modules of our own stand in for, wholly or in part; docs/worker-runtime.md."""
WHEEL_LIBRARIES = {"pyzmq": "pyzmq.libs"}
UNUSED_BINARIES = (
    "libonnxruntime.so",
    "_rational_tests",
    "_struct_ufunc_tests",
    "_operand_flag_tests",
    "_umath_tests",
    "_simd.",
    "_umath_linalg.",
    "lapack_lite.",
)
"""Starts of names of binaries that only tests or programs in other languages load, and of those
replaced by modules here."""


def packages_for(target: Target) -> dict[str, str]:
    """Return the Debian packages a target needs, with their licences."""
    extra = {QUADMATH: QUADMATH_LICENCE} if target.extra_libraries else {}
    return {**PACKAGES, **extra}
