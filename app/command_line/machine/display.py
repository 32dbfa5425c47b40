"""Whether a window can open here; Qt itself ends the process where it cannot."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from app.command_line.machine.system_libraries import QT_LIBRARIES, install_line, missing_libraries
from app.core.facts import Fact


def has_display() -> bool:
    """Return whether this session names a display, or Qt was told which platform to use."""
    if not sys.platform.startswith("linux"):
        return True
    return any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")))


def window_obstacle() -> Fact | None:
    """Return why no window can open although a display is named, or None."""
    missing = missing_libraries()
    if missing:
        line = install_line(QT_LIBRARIES[library] for library in missing)
        return Fact("display.libraries_missing", command=line)
    if _needs_x11() and not _reaches_x11():
        return Fact("display.silent", display=os.environ["DISPLAY"])
    return None


def _needs_x11() -> bool:
    named = bool(os.environ.get("DISPLAY")) and sys.platform.startswith("linux")
    return named and not _reaches_wayland() and not os.environ.get("QT_QPA_PLATFORM")


def _reaches_wayland() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY", "")
    return bool(name) and (Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / name).exists()


def _reaches_x11() -> bool:
    """Return whether the X server in DISPLAY accepts a connection (xcb_connect)."""
    library = ctypes.CDLL("libxcb.so.1")
    library.xcb_connect.restype = ctypes.c_void_p
    library.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    library.xcb_connection_has_error.argtypes = (ctypes.c_void_p,)
    library.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = library.xcb_connect(None, None)
    refused = library.xcb_connection_has_error(connection) != 0
    library.xcb_disconnect(connection)
    return not refused
