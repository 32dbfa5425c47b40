"""Which service answers to which name, as adbd's `service_to_fd` decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from app.devices.virtual.connection import Service
from app.devices.virtual.proxy import is_loopback
from app.devices.virtual.rootfs import Rootfs
from app.devices.virtual.shaper import without_delay
from app.devices.virtual.shell import StartProgram, serve_framed, serve_plain
from app.devices.virtual.streams import Stream
from app.devices.virtual.sync import SyncService

FEATURES = ("shell_v2", "stat_v2", "ls_v2", "fixed_push_mkdir")
"""What the banner announces: only what is implemented."""

_READ_BYTES = 256 * 1024
_NO_REVERSE = "reverse tunnels are not to be had on this phone"
_REFUSALS = {
    "root": "adbd cannot run as root in production builds\n",
    "unroot": "adbd not running as root\n",
    "remount": "remount needs root, which production builds have not\n",
    "reverse": f"FAIL{len(_NO_REVERSE):04x}{_NO_REVERSE}",
}


class Services:
    """The services of one phone."""

    def __init__(
        self, rootfs: Rootfs, start: StartProgram, before_reading: Callable[[], None]
    ) -> None:
        self._rootfs = rootfs
        self._start = start
        self._before_reading = before_reading

    def find(self, name: str) -> Service | None:
        """Return what serves that name, or None where there is no such service."""
        if "\0" in name:
            return None
        kind, _, rest = name.partition(":")
        kind, *options = kind.split(",")
        if kind in {"shell", "exec"}:
            return self._shell(kind, options, rest)
        if kind == "sync":
            return self._serve_sync
        if kind == "tcp":
            return _tunnel(rest)
        if kind in _REFUSALS:
            return lambda stream: _serve_text(stream, _REFUSALS[kind])
        return None

    def _shell(self, kind: str, options: list[str], command: str) -> Service:
        """Return a shell; as under adbd, one without a command has a terminal if not told else."""
        serve = serve_framed if "v2" in options else serve_plain
        is_raw = kind == "exec" or "raw" in options
        terminal = not is_raw and ("pty" in options or not command)

        async def run(stream: Stream) -> None:
            stream.accept()
            await serve(stream, self._start, command, terminal=terminal)

        return run

    async def _serve_sync(self, stream: Stream) -> None:
        stream.accept()
        self._before_reading()
        await SyncService(stream, self._rootfs).serve()


async def _serve_text(stream: Stream, text: str) -> None:
    stream.accept()
    await stream.write(text.encode())


def _tunnel(target: str) -> Service | None:
    """Return a tunnel to `PORT` or `PORT:HOST`, or None where that is not a loopback port."""
    port, _, host = target.partition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536 or not is_loopback(host or "localhost"):
        return None

    async def serve(stream: Stream) -> None:
        reader, writer = await asyncio.open_connection(host or "127.0.0.1", int(port))
        without_delay(writer)
        stream.accept()
        try:
            await _join(stream, reader, writer)
        finally:
            writer.close()

    return serve


async def _join(stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes both ways until either side ends: an ADB stream has no half-close."""

    async def inward() -> None:
        while data := await stream.read():
            writer.write(data)
            await writer.drain()

    async def outward() -> None:
        while data := await reader.read(_READ_BYTES):
            await stream.write(data)

    tasks = {asyncio.ensure_future(inward()), asyncio.ensure_future(outward())}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            with suppress(OSError):
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
