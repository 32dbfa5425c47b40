"""Where the host leaves streams waiting in a phone, once they have said a secret.

Any program of the phone can connect to a port of its loopback. However many do and say nothing,
they hold no more than a fixed number of streams, and the host's own come in between them.
"""

from __future__ import annotations

import asyncio
import hmac
from contextlib import suppress
from typing import Final

from workers.log import LogOnce
from workers.protocol.commands import SECRET_BYTES

MAXIMUM_SILENT: Final = 64
"""How many streams may be open that have said no secret yet, at all outlets together."""
MAXIMUM_WAITING: Final = 8
"""How many may wait at one outlet; the host leaves one, and those that ended count until taken."""
_SECRET_TIMEOUT_S: Final = 30.0

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class SilentStreams:
    """Streams that have said no secret yet; where they are too many the oldest is closed."""

    def __init__(self) -> None:
        self._writers: dict[asyncio.StreamWriter, None] = {}
        self._log_once = LogOnce()

    def add(self, writer: asyncio.StreamWriter) -> None:
        """Count a stream that has said nothing so far."""
        self._writers[writer] = None
        if len(self._writers) > MAXIMUM_SILENT:
            oldest = next(iter(self._writers))
            self.remove(oldest)
            oldest.close()
            self._log_once(
                f"more than {MAXIMUM_SILENT} streams say nothing at outlets: the oldest are closed"
            )

    def remove(self, writer: asyncio.StreamWriter) -> None:
        """Count a stream no more."""
        self._writers.pop(writer, None)


class Intake:
    """The streams of one outlet that wait to be taken. Lives on the outlets' loop."""

    def __init__(self, silent: SilentStreams) -> None:
        self._secret = b""
        self._silent = silent
        self._waiting: asyncio.Queue[Ends] = asyncio.Queue()
        self._log_once = LogOnce()

    def admit_only(self, secret: bytes) -> None:
        """Let go of streams that wait, and take only those that say the secret from now on."""
        self._secret = secret
        while not self._waiting.empty():
            self._let_go_oldest()

    async def take_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let a stream of the host's wait until somebody takes it."""
        said = b""
        self._silent.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                async with asyncio.timeout(_SECRET_TIMEOUT_S):
                    said = await reader.readexactly(SECRET_BYTES)
        finally:
            self._silent.remove(writer)
        if self._secret and hmac.compare_digest(said, self._secret):
            self._let_wait((reader, writer))
        else:
            writer.close()

    async def next_stream(self) -> Ends:
        """Return the stream that waited longest, once there is one that has not ended."""
        while True:
            reader, writer = await self._waiting.get()
            if not reader.at_eof():
                return reader, writer
            writer.close()

    def _let_wait(self, stream: Ends) -> None:
        if self._waiting.qsize() >= MAXIMUM_WAITING:
            self._let_go_oldest()
            self._log_once(
                f"more than {MAXIMUM_WAITING} streams wait at an outlet: the oldest are let go"
            )
        self._waiting.put_nowait(stream)

    def _let_go_oldest(self) -> None:
        self._waiting.get_nowait()[1].close()
