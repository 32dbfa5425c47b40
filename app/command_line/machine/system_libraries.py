"""Shared libraries of the system that Qt needs and Python wheels do not carry.

The one place that names them; `packaging/bootstrap.py` and `shardloom doctor` both read it, so it
needs the standard library only.
"""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

QT_LIBRARIES: dict[str, str] = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
"""Library name to the Debian package holding it: what Qt's xcb plugin and QtGui load."""

TEST_PROGRAMS: dict[str, str] = {"Xvfb": "xvfb"}
"""Program to the Debian package holding it, for tests that open a real window."""

OPTIONAL_TEST_FILES: dict[str, str] = {
    "/usr/lib/*/android/libcrypto.so.0": "android-libboringssl",
}
"""Pattern to the Debian package holding it: what tests compare with, skipped where absent."""


def is_loadable(library: str) -> bool:
    """Return whether the dynamic linker finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_libraries(libraries: Iterable[str] = QT_LIBRARIES) -> tuple[str, ...]:
    """Return the libraries this machine lacks; always none where Qt brings all it needs."""
    if not sys.platform.startswith("linux"):
        return ()
    return tuple(library for library in libraries if not is_loadable(library))


def missing_programs(programs: Iterable[str] = TEST_PROGRAMS) -> tuple[str, ...]:
    """Return the programs that are not on the path."""
    return tuple(program for program in programs if shutil.which(program) is None)


def missing_files(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the absolute patterns that match no file."""
    root = Path("/")
    return tuple(pattern for pattern in patterns if not any(root.glob(pattern.lstrip("/"))))


def install_line(packages: Iterable[str]) -> str:
    """Return what a person types to install Debian packages."""
    return f"sudo apt-get install {' '.join(sorted(set(packages)))}"
