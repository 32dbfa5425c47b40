"""Google's adb server on a port of its own, for measurements that the user's must not notice."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import adbutils

from app.core.errors import PhoneLostError, ShardloomError
from app.devices.adb.adb_server import AdbServer
from workers.protocol.configuration import LOOPBACK

START_TIMEOUT_S = 60.0
TRIES = 4
"""Ports to try: another program may take one before the server does."""

_FIRST_PORT, _PORTS = 20_000, 12_000
"""Below the ports that Linux gives out by itself."""


@contextmanager
def adb_server_of_own(folder: Path) -> Iterator[AdbServer]:
    """Run the server that comes with adbutils: without USB, mDNS and the user's keys.

    Version 36 with mDNS ends itself ("OSP_CHECK failed") when advertised names collide, as those of
    racks beside each other do.
    """
    server, client = _started(folder)
    try:
        yield client
    finally:
        server.terminate()
        server.wait(START_TIMEOUT_S)


def free_port() -> int:
    """Return a loopback port that nothing listens on and the system gives nobody by itself."""
    while True:
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port


def _started(folder: Path) -> tuple[subprocess.Popen[bytes], AdbServer]:
    for _ in range(TRIES):
        client = AdbServer(LOOPBACK, free_port(), START_TIMEOUT_S)
        server = _launch(folder, client.port)
        if _comes_up(server, client):
            return server, client
    raise ShardloomError("bench.no_adb_server", tries=TRIES)


def _launch(folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = (adbutils.adb_path(), "-L", f"tcp:{port}", "--one-device", "none")
    return subprocess.Popen(  # noqa: S603 - the library's own program
        (*command, "nodaemon", "server"),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
            "ADB_MDNS": "0",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _comes_up(server: subprocess.Popen[bytes], client: AdbServer) -> bool:
    """Wait until the server answers; tell whether it did before it ended."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline_s:
        try:
            client.devices()
        except PhoneLostError:
            time.sleep(0.02)
        else:
            return server.poll() is None
    server.kill()
    server.wait()
    return False
