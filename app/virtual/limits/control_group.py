"""Linux control groups, versions 1 and 2: how a phone's programs share a processor and memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PERIOD_US = 10_000
"""How often a share of the processor is dealt out anew."""

_SMALLEST_QUOTA_US = 1000
"""The kernel's own limit: no less than a tenth of a core can be held."""

_MOUNT = Path("/sys/fs/cgroup")
_PREFIX = "shardloom-"
_REMOVE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class ControlGroup:
    """A group of one controller; programs enter it by writing 0 into `entry`."""

    folder: Path

    @property
    def entry(self) -> Path:
        """The file through which a program moves itself in."""
        return self.folder / "cgroup.procs"

    def set_share(self, share: float) -> None:
        """Hold a processor's group to another share of one core. Raises `OSError`."""
        version_2 = self.folder / "cpu.max"
        if version_2.exists():
            _write_control(version_2, f"{_quota_us(share)} {PERIOD_US}")
        else:
            _write_control(self.folder / "cpu.cfs_quota_us", str(_quota_us(share)))

    def remove(self) -> None:
        """Remove the group once its programs have ended; one that stays busy is left."""
        deadline_s = time.monotonic() + _REMOVE_TIMEOUT_S
        while self.folder.exists():
            try:
                self.folder.rmdir()
            except OSError:
                if time.monotonic() > deadline_s:
                    return
                time.sleep(0.01)


def limit_processor(name: str, share: float) -> ControlGroup | None:
    """Return a new group held to a share of one core, or None where this machine has no such."""
    quota_us = _quota_us(share)
    version_1 = {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota_us)}
    version_2 = {"cpu.max": f"{quota_us} {PERIOD_US}"}
    return _create(name, "cpu", version_1, version_2)


def limit_memory(name: str, size_bytes: int) -> ControlGroup | None:
    """Return a new group that may hold that much memory, or None."""
    return _create(
        name,
        "memory",
        {"memory.limit_in_bytes": str(size_bytes)},
        {"memory.max": str(size_bytes)},
    )


def remove_abandoned() -> None:
    """Remove the groups of phones that ended without doing so; a name ends in its process id."""
    for controller in ("cpu", "memory"):
        for parent in (*_version_1_parents(controller), *_version_2_parents(controller)):
            for folder in parent.glob(f"{_PREFIX}*-*"):
                owner = folder.name.rpartition("-")[2]
                if owner.isdecimal() and not psutil.pid_exists(int(owner)):
                    with suppress(OSError):
                        folder.rmdir()


def _quota_us(share: float) -> int:
    return max(int(PERIOD_US * share), _SMALLEST_QUOTA_US)


def _create(
    name: str, controller: str, version_1: dict[str, str], version_2: dict[str, str]
) -> ControlGroup | None:
    for parent, settings in (
        *((folder, version_1) for folder in _version_1_parents(controller)),
        *((folder, version_2) for folder in _version_2_parents(controller)),
    ):
        folder = parent / f"{_PREFIX}{name}-{os.getpid()}"
        try:
            folder.mkdir(exist_ok=True)
            for key, value in settings.items():
                _write_control(folder / key, value)
            _check_writable(folder / "cgroup.procs")
        except OSError:
            with suppress(OSError):
                folder.rmdir()
        else:
            return ControlGroup(folder)
    return None


def _write_control(path: Path, text: str) -> None:
    """Write a control file; never create one: a plain folder is no group. Raises `OSError`."""
    _check_writable(path)
    path.write_text(text)


def _check_writable(path: Path) -> None:
    if not os.access(path, os.W_OK):
        raise PermissionError(str(path))


def _own_groups() -> Iterator[tuple[str, str]]:
    """Yield (controllers, path) of this process, from /proc/self/cgroup; version 2 has none."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            yield controllers, path.lstrip("/")


def _version_1_parents(controller: str) -> Iterator[Path]:
    for controllers, path in _own_groups():
        if controller in controllers.split(","):
            yield _MOUNT / controllers / path
            yield _MOUNT / controller / path
            yield _MOUNT / controller


def _version_2_parents(controller: str) -> Iterator[Path]:
    """Yield groups, from the closest up, that hand the controller to their children."""
    for controllers, path in _own_groups():
        if controllers:
            continue
        closest = _MOUNT / path
        for folder in (closest, *closest.parents):
            if not folder.is_relative_to(_MOUNT):
                return
            with suppress(OSError):
                if controller in (folder / "cgroup.subtree_control").read_text().split():
                    yield folder
