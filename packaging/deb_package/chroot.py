"""A system of one release in a folder: made by debootstrap, gone with the block that uses it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 1800
PROGRAMS: Final = ("debootstrap", "unshare", "chroot", "git")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED_ON: Final = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""How this machine reaches package indexes; a certificate that it names is copied too."""
_ENTER: Final = (
    'mount --make-rprivate / && mount -t proc proc "$0/proc" && mkdir -p "$0/dev/shm"'
    ' && mount -t tmpfs tmpfs "$0/dev/shm" && exec chroot "$@"'
)
"""The mounts belong to the namespace of one command and end with it."""


class PackagingError(Exception):
    """The package cannot be built or does not hold; the message says why, in one line."""


@dataclass(frozen=True)
class Archive:
    """A release and where its packages are loaded from."""

    suite: str
    mirror: str = ""
    """Its address; where there is none debootstrap takes its own."""


@dataclass(frozen=True)
class Chroot:
    """A system below a folder; commands run in it as if there were no other."""

    root: Path

    def run(
        self,
        *command: str,
        user: str = "root",
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Return what a command printed; whatever it started ends with it.

        Raises `PackagingError` with its last line where it fails.
        """
        home = "/root" if user == "root" else f"/home/{user}"
        variables = {"PATH": _PATH, "HOME": home, "LANG": "C.UTF-8", **(environment or {})}
        inside = ["env", "-i", *(f"{name}={value}" for name, value in variables.items()), *command]
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER]
        return execute([*enter, *(str(self.root), f"--userspec={user}", str(self.root)), *inside])

    def install(self, *packages: str) -> None:
        """Install packages of the archive, or files by their path, and only what these need."""
        options = ("-y", "-q", "--no-install-recommends")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        self.run("apt-get", "update", "-q", environment=quiet)
        self.run("apt-get", "install", *options, *packages, environment=quiet)

    def inner(self, path: str) -> Path:
        """Return where an absolute path of the system lies outside it."""
        return self.root / path.lstrip("/")


@contextmanager
def bare_system(archive: Archive, include: Sequence[str] = ()) -> Iterator[Chroot]:
    """Make the smallest system of a release, with some packages; remove it in the end.

    Raises `PackagingError` where this machine lacks a program, or the right to make one.
    """
    if os.geteuid() != 0:
        raise PackagingError("a system in a folder is made by root; type: sudo make deb")
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        raise PackagingError(
            f"missing: {', '.join(missing)}; type: apt-get install debootstrap git"
        )
    say(f"making a bare {archive.suite}")
    with tempfile.TemporaryDirectory(prefix="shardloom-deb-") as folder:
        Path(folder).chmod(0o755)  # an ordinary user of the system has to pass
        words = ["unshare", "--mount", "debootstrap", "--variant=minbase"]
        more = [f"--include={','.join(include)}"] if include else []
        mirror = [archive.mirror] if archive.mirror else []
        execute([*words, *more, archive.suite, folder, *mirror])
        yield Chroot(Path(folder))


def index_environment(chroot: Chroot) -> dict[str, str]:
    """Return how pip reaches its index from within, as it does outside."""
    found = {
        name: value for name, value in os.environ.items() if name.upper().startswith(_PASSED_ON)
    }
    if certificate := found.get("PIP_CERT"):
        chroot.inner(certificate).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(certificate, chroot.inner(certificate))
    return found


def execute(command: Sequence[str]) -> str:
    """Return what a command printed. Raises `PackagingError` with its last line."""
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PackagingError(f"{command[0]} did not end within {TIMEOUT_S} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise PackagingError(said or f"{command[0]} failed with {done.returncode}")
    return done.stdout


def say(line: str) -> None:
    """Show one line of progress at once."""
    print(f"shardloom: {line}", file=sys.stderr, flush=True)  # noqa: T201 - a command-line tool
