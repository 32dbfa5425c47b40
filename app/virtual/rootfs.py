"""The phone's file system: a folder of the host, entered only through checked paths."""

from __future__ import annotations

import errno
import os
import posixpath
import re
import tempfile
from pathlib import Path

_MAPPED = (
    "/data",
    "/sdcard",
    "/system",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/cpuinfo",
    "/sys/class/thermal",
    "/sys/class/power_supply",
    "/sys/devices/system/cpu",
)
"""What a shell command finds in the phone's folder; every other path is the host's."""

_PATH_IN_COMMAND = re.compile(
    r"(?<![\w.\-/])(" + "|".join(map(re.escape, _MAPPED)) + r")(?![\w.\-])"
)
_PLAIN_PATH = re.compile(r"[\w./+-]+", re.ASCII)
WORK_FOLDER = "data/local/tmp"
_FOLDERS = (
    WORK_FOLDER,
    "data/system",
    "sdcard",
    "system/bin",
    "system/etc",
    "proc",
    "sys/class/thermal/thermal_zone0",
    "sys/devices/system/cpu",
)


class PathEscapeError(PermissionError):
    """A path that leads out of the phone, or is none."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EACCES, os.strerror(errno.EACCES), path)


class Rootfs:
    """The phone's `/`, created where it is not there yet."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        for folder in _FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self._alias: Path | None = None
        if _PLAIN_PATH.fullmatch(str(self.root)) is None:
            self._alias = Path(tempfile.mkdtemp(prefix="shardloom-")) / "phone"
            self._alias.symlink_to(self.root)

    @property
    def shell_root(self) -> str:
        """The root by a path that needs no quoting in a shell."""
        return str(self._alias or self.root)

    def forget_alias(self) -> None:
        """Remove what stands outside the folder."""
        if self._alias is not None:
            self._alias.unlink(missing_ok=True)
            self._alias.parent.rmdir()

    def rewrite(self, command: str) -> str:
        """Return a shell command with the phone's paths turned into the host's."""
        return _PATH_IN_COMMAND.sub(lambda found: self.shell_root + found[1], command)

    def resolve(self, path: str) -> Path:
        """Return the host path of a phone path, all links followed.

        Raises `PathEscapeError` where `..` or a link leads out of the phone.
        """
        _refuse_nul(path)
        inside = posixpath.normpath("/" + path).lstrip("/")
        resolved = Path(os.path.realpath(self.root / inside))
        if not resolved.is_relative_to(self.root):
            raise PathEscapeError(path)
        return resolved

    def resolve_entry(self, path: str) -> Path:
        """Return the host path of a phone path, its last part not followed if it is a link."""
        _refuse_nul(path)
        folder, name = posixpath.split(posixpath.normpath("/" + path))
        return self.resolve(folder) / name

    def write(self, path: str, text: str, *, executable: bool = False) -> None:
        """Replace one of the phone's own files in one step."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(target.name + ".new")
        draft.write_text(text)
        draft.chmod(0o755 if executable else 0o644)
        draft.replace(target)

    def link(self, path: str, target: str) -> None:
        """Make one of the phone's own paths a link to another inside the phone."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            place.symlink_to(target)


def _refuse_nul(path: str) -> None:
    if "\0" in path:
        raise PathEscapeError(path)
