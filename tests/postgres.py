"""A PostgreSQL server of our own in a folder, reached by a socket file; installed where missing."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from app.ledger.storage.addresses import DatabasePlace

DEBIAN = Path("/usr/lib/postgresql")
_INSTALL_S = 120
_APT = ("apt-get", "-q", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10")
_LOG_LINES = 20


class PostgresServer:
    """The server's processes; `kill` is what a power cut leaves of them."""

    def __init__(self, folder: Path) -> None:
        self._binaries = _binaries()
        self._data = folder / "data"
        self._log = folder / "log"
        self.socket_folder = folder
        self._schemas = itertools.count(1)
        self._as_user: tuple[str, ...] = ()
        if os.geteuid() == 0:
            self._as_user = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
            shutil.chown(folder, "nobody", "nogroup")
        folder.chmod(0o755)
        self._do("initdb", "-D", str(self._data), "-U", "shardloom", "-A", "trust", "--no-sync")

    @property
    def address(self) -> str:
        return f"postgresql:///postgres?host={self.socket_folder}&user=shardloom"

    def start(self) -> None:
        options = f"-k {self.socket_folder} -c listen_addresses='' -c max_connections=40"
        arguments = ("-D", str(self._data), "-l", str(self._log), "-o", options, "-w", "start")
        self._do("pg_ctl", *arguments)

    def kill(self) -> None:
        """End it as a power cut does: what was not synced is lost, nobody is told."""
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        self._do("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop", check=False)

    def new_place(self, evidence: Path) -> DatabasePlace:
        """Return a place for one more ledger."""
        schema = f"ledger_{next(self._schemas)}"
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        return DatabasePlace(f"{self.address}&options=-csearch_path%3D{schema}", evidence)

    def _do(self, program: str, *arguments: str, check: bool = True) -> None:
        done = subprocess.run(
            [*self._as_user, str(self._binaries / program), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            told = done.stderr.decode(errors="replace")
            log = self._log.read_text().splitlines()[-_LOG_LINES:] if self._log.exists() else []
            raise RuntimeError("\n".join([told, *log]))


def _binaries() -> Path:
    found = _installed()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _run([*_APT, "update"])
        _run([*_APT, "install", "-y", "--no-install-recommends", "postgresql"])
        found = _installed()
    if found is None:
        pytest.skip("PostgreSQL is not installed and cannot be: ledgers in it are not tested")
    return found


def _installed() -> Path | None:
    """Return where the newest server's programs lie: in Debian's folders, or on the path."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _run(command: Sequence[str]) -> None:
    """Try a command, for a time: without a network there is nothing to install."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with suppress(subprocess.TimeoutExpired, OSError):
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_INSTALL_S,
            check=False,
            env=environment,
        )
