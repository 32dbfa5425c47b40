"""The door of an open rack: a thread that answers the owner's other programs."""

from __future__ import annotations

import asyncio
import logging
from asyncio.trsock import TransportSocket
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Final

from app.core.clock import Clock
from app.core.nursery import Nursery
from app.rack.control import RackAccess
from app.rack.door import entrance
from app.rack.door.messages import Welcome
from app.rack.door.visit import Newest, Visit
from app.rack.home import Home

MOST_VISITS: Final = 32
_log = logging.getLogger("shardloom.door")


class Door:
    """Open until it is closed; the rack is somebody else's to open and close."""

    def __init__(self, control: RackAccess, home: Home, welcome: Welcome, clock: Clock) -> None:
        """Listen at once. Raises `BadInputError` where that cannot be done."""
        self._home = home
        self._socket = entrance.listen(home)
        self._end: Callable[[], None] = lambda: None
        begun: Future[None] = Future()

        def run() -> None:
            try:
                asyncio.run(self._serve(control, welcome, clock, begun))
            except Exception as error:
                if begun.done():
                    raise
                begun.set_exception(error)

        self._thread = Thread(target=run, name="door", daemon=True)
        self._thread.start()
        begun.result()

    def close(self) -> None:
        """Let nobody in any more, end all visits and return once that is done."""
        self._end()
        self._thread.join()
        entrance.remove(self._home)

    async def _serve(
        self, control: RackAccess, welcome: Welcome, clock: Clock, begun: Future[None]
    ) -> None:
        loop, closing = asyncio.get_running_loop(), asyncio.Event()
        self._end = lambda: _call(loop, closing.set)
        nursery, newest = Nursery(clock), Newest(control, loop)
        visits = 0

        def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal visits
            connection = writer.get_extra_info("socket")
            if visits >= MOST_VISITS or not _is_own(connection):
                writer.close()
                return
            visits += 1
            nursery.start(visit(reader, writer), "visit")

        async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal visits
            try:
                await Visit(control, newest, clock, reader, writer).serve(welcome)
            except Exception:  # noqa: BLE001 - one visitor's trouble is nobody else's
                _log.exception("a visit ended")
            finally:
                visits -= 1

        server = await asyncio.start_unix_server(let_in, sock=self._socket)
        begun.set_result(None)
        try:
            await closing.wait()
        finally:
            server.close()
            newest.close()
            await nursery.close()


def _is_own(connection: TransportSocket) -> bool:
    try:
        return entrance.is_own(connection)
    except OSError:
        return False


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(what)
    except RuntimeError:
        _log.debug("the door was closed before")
