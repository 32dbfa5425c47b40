"""Which service answers to which name, as adbd's `service_to_fd` decides."""

from __future__ import annotations

from collections.abc import Callable

from app.virtual.adbd.shell import StartProgram, serve_framed, serve_plain
from app.virtual.adbd.streams import Service, Stream
from app.virtual.adbd.sync import SyncService
from app.virtual.adbd.tunnels import tunnel
from app.virtual.rootfs import Rootfs

FEATURES = ("shell_v2", "stat_v2", "ls_v2", "fixed_push_mkdir")
"""What the banner announces: only what is implemented."""

_REFUSALS = {
    "root": "adbd cannot run as root in production builds\n",
    "unroot": "adbd not running as root\n",
    "remount": "remount needs root, which production builds have not\n",
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
            return tunnel(rest)
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
