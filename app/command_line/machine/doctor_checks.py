"""The checks behind `shardloom doctor`. Each looks for itself and changes nothing it finds."""

from __future__ import annotations

import os
import platform
import re
import socket
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from app.command_line.machine.display import has_display, window_obstacle
from app.command_line.machine.fonts import has_font
from app.command_line.machine.system_libraries import QT_LIBRARIES, install_line, missing_libraries
from app.core.errors import BadInputError, PhoneLostError, reason_of
from app.core.facts import Fact
from app.core.units import BYTES_PER_MEGABYTE
from app.devices.adb.adb_server import AdbServer, local_server
from app.words.catalogue import Message, message

DISTRIBUTION = "shardloom"
ADB_TIMEOUT_S = 1.0
NEEDED_MEMORY_BYTES = 1500 * BYTES_PER_MEGABYTE
NEEDED_DISK_BYTES = 500 * BYTES_PER_MEGABYTE
CGROUP_FOLDERS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))


@dataclass(frozen=True)
class Check:
    """One finding, and what to do where it did not pass.

    `needed` is false for what the control centre can do without.
    """

    name: Message
    passed: bool
    detail: Fact
    mend: tuple[Fact, ...] = ()
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
    detail = Fact("check.python", version=platform.python_version())
    return Check(message("Python"), passed, detail, (Fact("mend.python"),))


def check_packages() -> Check:
    """Whether every package Shardloom declares is installed."""
    lacking = [name for name in declared_packages() if not _is_installed(name)]
    detail = _lacking(lacking) if lacking else Fact("check.packages_whole")
    return Check(message("Python packages"), not lacking, detail, (Fact("mend.packages"),))


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
    detail = _lacking(missing) if missing else Fact("check.libraries_load")
    mend = _typing(install_line(QT_LIBRARIES[library] for library in missing))
    name = message("Qt platform libraries")
    return Check(name, not missing, detail, mend, needed=has_display())


def check_display() -> Check:
    """Whether a window can open."""
    name, mend = message("Display"), (Fact("mend.display"),)
    if not has_display():
        return Check(name, False, Fact("check.no_display"), mend, needed=False)
    obstacle = window_obstacle()
    return Check(name, obstacle is None, obstacle or Fact("check.window_opens"), mend)


def check_fonts() -> Check:
    """Whether the window can be read in Japanese; it can be used in English without."""
    found = has_font("ja")
    detail = Fact("check.font_there" if found else "check.no_font")
    if found is None:
        detail = Fact("check.font_unknown")
    mend = _typing(install_line(("fonts-noto-cjk",)))
    return Check(message("Japanese font"), bool(found), detail, mend, needed=False)


def check_home(home: Path) -> Check:
    """Whether state can be written; looks at the nearest folder that exists."""
    name, folder = message("State folder"), _existing(home)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        detail = Fact("check.home_refused", path=str(home), reason=reason_of(error))
        return Check(name, False, detail, (Fact("mend.home"),))
    return Check(name, True, Fact("check.home_written", path=str(home)))


def check_ports() -> Check:
    """Whether a loopback port can be bound, as virtual phones do."""
    name = message("Loopback ports")
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
    except OSError as error:
        detail = Fact("check.no_port_bound", reason=reason_of(error))
        return Check(name, False, detail, (Fact("mend.ports"),))
    return Check(name, True, Fact("check.port_bound", port=port))


def check_memory() -> Check:
    """Whether the demo rack and the window fit in free memory."""
    available_bytes = psutil.virtual_memory().available
    detail = Fact("check.memory_free", free=available_bytes, needed=NEEDED_MEMORY_BYTES)
    passed = available_bytes >= NEEDED_MEMORY_BYTES
    return Check(message("Memory"), passed, detail, (Fact("mend.memory"),))


def check_disk(home: Path) -> Check:
    """Whether models and the ledger fit on the disk of the state folder."""
    free_bytes = psutil.disk_usage(str(_existing(home))).free
    detail = Fact("check.disk_free", free=free_bytes, path=str(home))
    mend = Fact("mend.disk", needed=NEEDED_DISK_BYTES)
    return Check(message("Disk"), free_bytes >= NEEDED_DISK_BYTES, detail, (mend,))


def check_adb_server() -> Check:
    """Whether an adb server answers; only phones on USB or paired ones need it."""
    name, mend = message("adb server"), (Fact("mend.adb_server"),)
    try:
        server = AdbServer(*local_server(), ADB_TIMEOUT_S)
        count = len(server.devices())
    except (PhoneLostError, BadInputError) as error:
        detail = Fact("check.no_adb_server", reason=error.fact)
        return Check(name, False, detail, mend, needed=False)
    detail = Fact("check.adb_server", address=server.address, count=count)
    return Check(name, True, detail, mend, needed=False)


def check_limits() -> Check:
    """Whether the kernel lets this user cap a virtual phone's processor share."""
    writable = any(os.access(folder / "cgroup.procs", os.W_OK) for folder in CGROUP_FOLDERS)
    detail = Fact("check.control_groups" if writable else "check.no_control_groups")
    mend = (Fact("mend.control_groups"),)
    return Check(message("Processor limits"), writable, detail, mend, needed=False)


def _lacking(names: Iterable[str]) -> Fact:
    return Fact("check.lacking", names=tuple(names))


def _typing(command: str) -> tuple[Fact, ...]:
    return (Fact("mend.type", command=command),)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
