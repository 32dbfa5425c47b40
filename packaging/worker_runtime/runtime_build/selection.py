"""What goes into the runtime and what each part is licensed under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runtime_build.target import Target

RELEASE = "bookworm"
PYTHON = "python3.11"
LIBRARY_PACKAGES = ("libpython3.11-minimal", "libpython3.11-stdlib")
"""Where the standard library is."""
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


@dataclass(frozen=True)
class Extras:
    """What one kind of phone needs or has room for, besides what all have."""

    packages: Mapping[str, str]
    libraries: tuple[str, ...]
    extension_modules: tuple[str, ...] = ()


EXTRAS = {
    "x86_64": Extras({"libquadmath0": "LGPL-2.0-or-later"}, ("libquadmath.so.0",)),
    "arm64-v8a": Extras({"libssl3": "Apache-2.0"}, ("libcrypto.so.3",), ("_hashlib",)),
}
"""On arm64 OpenSSL hashes weights with the processor's own SHA-256; for x86-64 there is no room."""


def packages_for(target: Target) -> dict[str, str]:
    """Return the Debian packages a target needs, with their licences."""
    return {**PACKAGES, **EXTRAS[target.abi].packages}


def libraries_for(target: Target) -> tuple[str, ...]:
    """Return the shared libraries a target needs, besides the loader."""
    return (*LIBRARIES, *EXTRAS[target.abi].libraries)


def extension_modules_for(target: Target) -> tuple[str, ...]:
    """Return the interpreter's own compiled modules that a target gets."""
    return (*EXTENSION_MODULES, *EXTRAS[target.abi].extension_modules)
