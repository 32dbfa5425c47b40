"""Google's adb server on a port of its own, for measurements that the user's must not notice."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import adbutils

from app.core.errors import PhoneLostError, ShardloomError
from app.devices.adb_server import AdbServer

START_TIMEOUT_S = 30.0


@contextmanager
def adb_server_of_own(folder: Path) -> Iterator[AdbServer]:
    """Run the server that comes with adbutils: without USB, mDNS and the user's keys."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = (adbutils.adb_path(), "-L", f"tcp:{port}", "--one-device", "none")
    server = subprocess.Popen(  # noqa: S603 - the library's own program
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
    try:
        client = AdbServer("127.0.0.1", port)
        _wait_for(client)
        yield client
    finally:
        server.terminate()
        server.wait(START_TIMEOUT_S)


def _wait_for(client: AdbServer) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            client.devices()
        except PhoneLostError as error:
            if time.monotonic() > deadline_s:
                raise ShardloomError(str(error)) from None
            time.sleep(0.05)
        else:
            return
