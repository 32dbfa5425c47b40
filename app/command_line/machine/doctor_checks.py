"""The checks behind `shardloom doctor`. Each looks for itself and changes nothing it finds."""

from __future__ import annotations

import os
import platform
import re
import socket
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from app.command_line.machine.display import has_display, window_obstacle
from app.command_line.machine.fonts import has_font
from app.command_line.machine.system_libraries import QT_LIBRARIES, install_line, missing_libraries
from app.core.errors import BadInputError, PhoneLostError
from app.core.units import BYTES_PER_MEGABYTE, format_bytes
from app.devices.adb.adb_server import AdbServer, local_server

DISTRIBUTION = "shardloom"
ADB_TIMEOUT_S = 1.0
NEEDED_MEMORY_BYTES = 1500 * BYTES_PER_MEGABYTE
NEEDED_DISK_BYTES = 500 * BYTES_PER_MEGABYTE
CGROUP_FOLDERS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))


@dataclass(frozen=True)
class Check:
    """One finding; `needed` is false for what the control centre can do without."""

    name: str
    passed: bool
    detail: str
    mend: str
    needed: bool = True


def all_checks(home: Path) -> tuple[Check, ...]:
    """Return every check of this machine, the most basic first."""
    return (
        check_python(),
        check_packages(),
        check_qt_libraries(),
        check_display(),
        check_fonts(),
        check_home(home),
        check_ports(),
        check_memory(),
        check_disk(home),
        check_adb_server(),
        check_limits(),
    )


def check_python() -> Check:
    """Whether Python is new enough."""
    passed = sys.version_info >= (3, 11)
    return Check("Python", passed, platform.python_version(), "install Python 3.11 or newer.")


def check_packages() -> Check:
    """Whether every package Shardloom declares is installed."""
    lacking = [name for name in declared_packages() if not _is_installed(name)]
    detail = f"lacks {', '.join(lacking)}." if lacking else "all installed."
    return Check("Python packages", not lacking, detail, "make run installs them.")


def declared_packages() -> tuple[str, ...]:
    """Return the packages that running needs, from Shardloom's own metadata."""
    lines = metadata.requires(DISTRIBUTION) or []
    names = (re.match(r"[\w.-]+", line) for line in lines if "extra ==" not in line)
    return tuple(match.group() for match in names if match)


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def check_qt_libraries() -> Check:
    """Whether the system libraries of Qt's window plugin load; the terminal needs none."""
    missing = missing_libraries()
    detail = f"lacks {', '.join(missing)}." if missing else "all load."
    mend = install_line(QT_LIBRARIES[library] for library in missing)
    return Check("Qt platform libraries", not missing, detail, mend, needed=has_display())


def check_display() -> Check:
    """Whether a window can open."""
    mend = "start a desktop session, or use the terminal commands."
    if not has_display():
        return Check("Display", False, "none; commands run in the terminal.", mend, needed=False)
    obstacle = window_obstacle()
    return Check("Display", obstacle is None, obstacle or "a window can open.", mend)


def check_fonts() -> Check:
    """Whether the window can be read in Japanese; it can be used in English without."""
    found = has_font("ja")
    detail = "there is one." if found else "none was found; the window in Japanese shows boxes."
    if found is None:
        detail = "not known: fc-list, which would tell, is not installed or failed."
    mend = install_line(("fonts-noto-cjk",))
    return Check("Japanese font", bool(found), detail, mend, needed=False)


def check_home(home: Path) -> Check:
    """Whether state can be written; looks at the nearest folder that exists."""
    folder = _existing(home)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        mend = "give another folder with --home."
        return Check("State folder", False, f"{home}: {error.strerror}.", mend)
    return Check("State folder", True, f"{home} can be written.", "")


def check_ports() -> Check:
    """Whether a loopback port can be bound, as virtual phones do."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
    except OSError as error:
        mend = "allow programs to listen on 127.0.0.1."
        return Check("Loopback ports", False, f"none can be bound: {error.strerror}.", mend)
    return Check("Loopback ports", True, f"bound port {port} for a moment.", "")


def check_memory() -> Check:
    """Whether the demo rack and the window fit in free memory."""
    available_bytes = psutil.virtual_memory().available
    needed = format_bytes(NEEDED_MEMORY_BYTES)
    return Check(
        "Memory",
        available_bytes >= NEEDED_MEMORY_BYTES,
        f"{format_bytes(available_bytes)} free, the demo rack takes up to {needed}.",
        "close other programs, or use a smaller rack: --rack virtual:1.",
    )


def check_disk(home: Path) -> Check:
    """Whether models and the ledger fit on the disk of the state folder."""
    free_bytes = psutil.disk_usage(str(_existing(home))).free
    detail = f"{format_bytes(free_bytes)} free at {home}."
    mend = f"free {format_bytes(NEEDED_DISK_BYTES)}, or give --home on another disk."
    return Check("Disk", free_bytes >= NEEDED_DISK_BYTES, detail, mend)


def check_adb_server() -> Check:
    """Whether an adb server answers; only phones on USB or paired ones need it."""
    mend = "sudo apt-get install adb, then: adb start-server"
    try:
        server = AdbServer(*local_server(), ADB_TIMEOUT_S)
        count = len(server.devices())
    except (PhoneLostError, BadInputError) as error:
        return Check("adb server", False, f"{error} Virtual phones work.", mend, needed=False)
    detail = f"answers at {server.address} and lists {count} phone{'' if count == 1 else 's'}."
    return Check("adb server", True, detail, mend, needed=False)


def check_limits() -> Check:
    """Whether the kernel lets this user cap a virtual phone's processor share."""
    writable = any(os.access(folder / "cgroup.procs", os.W_OK) for folder in CGROUP_FOLDERS)
    detail = (
        "control groups can be made."
        if writable
        else "no control groups; virtual phones are slowed by pausing them instead."
    )
    mend = "run in a session that delegates control groups, such as systemd-run --user --scope."
    return Check("Processor limits", writable, detail, mend, needed=False)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
