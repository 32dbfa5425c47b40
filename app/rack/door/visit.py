"""One program's visit: its calls, answered as they can be; what it asked for ends with it."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.core.clock import Clock
from app.core.errors import BadInputError, ShardloomError
from app.core.identifiers import RequestId, Serial
from app.core.nursery import Nursery
from app.rack.commands import Ask, Cancel, ClearFault, Inject
from app.rack.commands.command import Command
from app.rack.control import RackAccess
from app.rack.door.messages import (
    HEAD,
    MOST_ANSWER_BYTES,
    MOST_CALL_BYTES,
    Verb,
    Welcome,
    frame,
    length_of,
    message_of,
    read_command,
    result_type,
    write_error,
)
from app.rack.events.request_events import RequestEvent
from app.rack.events.values import UnreadableError, write_as
from app.rack.snapshot import ModelChoice, RackSnapshot

MOST_CALLS: Final = 600
"""That may wait for their answers: two for each request that a rack takes, and some."""
SEND_TIMEOUT_S: Final = 60.0
"""How long a program may read nothing before it is given up."""
BODY_TIMEOUT_S: Final = 30.0
LOOK_INTERVAL_S: Final = 0.1
_SHARE: Final = 20
"""A look follows the one before after so many times what it took to write that, at least."""
_EVENTS: Final = tuple[RequestEvent, ...]
_MODELS: Final = tuple[ModelChoice, ...]
_log = logging.getLogger("shardloom.door")


class Newest:
    """The newest snapshot with its number, and waiting for the next on the door's loop."""

    def __init__(self, control: RackAccess, loop: asyncio.AbstractEventLoop) -> None:
        self._control = control
        self._loop = loop
        self._number = 1
        self._changed = asyncio.Event()
        self._undo = control.subscribe(self._take)

    def close(self) -> None:
        """Hear of no more."""
        self._undo()

    async def after(self, seen: int) -> tuple[int, RackSnapshot]:
        """Return the newest once it has another number than was seen."""
        while self._number == seen:
            await self._changed.wait()
        return self._number, self._control.snapshot()

    def _take(self, _snapshot: RackSnapshot) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._count)

    def _count(self) -> None:
        self._number += 1
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass
class Visit:
    """Lives on the door's loop."""

    control: RackAccess
    newest: Newest
    clock: Clock
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _asked: set[RequestId] = field(default_factory=set)
    _broken: set[Serial] = field(default_factory=set)
    """Phones with a fault that this program set."""
    _next_look_s: float = 0.0
    _over: bool = False

    async def serve(self, welcome: Welcome) -> None:
        """Answer calls until the program goes, says what cannot be read, or reads nothing."""
        calls = Nursery(self.clock)
        places = asyncio.Semaphore(MOST_CALLS)

        def answered(_task: object) -> None:
            places.release()

        try:
            await self._send(write_as(Welcome, welcome))
            while True:
                await places.acquire()
                call = await self._next()
                calls.start(self._answer(*call), "call").add_done_callback(answered)
        except (OSError, EOFError, TimeoutError, UnreadableError):
            pass  # it is gone, or no program of ours
        finally:
            self.writer.close()
            await calls.close()
            self._end()

    async def _next(self) -> list[Any]:
        length = length_of(await self.reader.readexactly(HEAD.size), MOST_CALL_BYTES)
        async with self.clock.timeout(BODY_TIMEOUT_S):
            body = await self.reader.readexactly(length)
        message = message_of(body)
        if len(message) < 2:
            raise UnreadableError("call")
        return message

    async def _answer(self, number: int, verb: object, *arguments: object) -> None:
        try:
            answer = [number, "done", await self._carry_out(verb, arguments)]
        except ShardloomError as error:
            answer = [number, "failed", *write_error(error)]
        except UnreadableError as error:
            unreadable = BadInputError("door.unreadable", reason=str(error))
            answer = [number, "failed", *write_error(unreadable)]
        except Exception as error:  # noqa: BLE001 - a call has an answer
            _log.exception("a call failed")
            failed = ShardloomError("command.failed", error=str(error) or type(error).__name__)
            answer = [number, "failed", *write_error(failed)]
        with suppress(OSError):
            await self._send(answer)

    async def _carry_out(self, verb: object, arguments: tuple[object, ...]) -> object:
        match verb, arguments:
            case Verb.DO, (name, given):
                return await self._do(read_command(name, given))
            case Verb.LOOK, (int(seen),):
                return await self._look(seen)
            case Verb.READ, (str(request), int(after)):
                return write_as(_EVENTS, await self._read(RequestId(request), after))
            case Verb.MODELS, ():
                return write_as(_MODELS, await asyncio.to_thread(self.control.models))
            case _:
                raise UnreadableError("call")

    async def _do(self, command: Command[Any]) -> object:
        done = self.control.do(command)
        done.add_done_callback(lambda ended: self._note(command, ended))
        result = await asyncio.shield(asyncio.wrap_future(done))
        return [write_as(result_type(type(command)), result), self._seen(self.control.snapshot())]

    def _note(self, command: Command[Any], ended: Future[Any]) -> None:
        """Remember what was done for this program, or undo it where that has gone meanwhile."""
        if ended.cancelled() or ended.exception():
            return
        self._remember(command, ended.result())
        if self._over:
            self._end()

    def _remember(self, command: Command[Any], result: object) -> None:
        match command:
            case Ask():
                self._asked.add(RequestId(str(result)))
            case Inject(fault):
                self._broken.add(fault.serial)
            case ClearFault(serial):
                self._broken.discard(serial)
            case _:
                pass

    async def _look(self, seen: int) -> object:
        await self.clock.sleep(max(self._next_look_s - self.clock.monotonic_s(), 0.0))
        number, snapshot = await self.newest.after(seen)
        begun_s = time.perf_counter()
        written = self._seen(snapshot)
        took_s = time.perf_counter() - begun_s
        self._next_look_s = self.clock.monotonic_s() + max(LOOK_INTERVAL_S, _SHARE * took_s)
        return [number, written]

    def _seen(self, snapshot: RackSnapshot) -> object:
        """Return the rack as a program needs it: of requests its own, and no history."""
        own = tuple(each for each in snapshot.requests if each.identifier in self._asked)
        return write_as(RackSnapshot, replace(snapshot, requests=own, timeline=(), ledger=None))

    async def _read(self, request: RequestId, after: int) -> tuple[RequestEvent, ...]:
        stream = self.control.follow(request, after)
        heard, loop = asyncio.Event(), asyncio.get_running_loop()
        undo = stream.listen(lambda _event: _wake(loop, heard))
        try:
            while not (events := stream.read()) and not stream.ended:
                heard.clear()
                if not (events := stream.read()):
                    await heard.wait()
            return events
        finally:
            undo()
            stream.close()

    async def _send(self, message: object) -> None:
        self.writer.write(frame(message, MOST_ANSWER_BYTES))
        try:
            async with self.clock.timeout(SEND_TIMEOUT_S):
                await self.writer.drain()
        except TimeoutError:
            self.writer.transport.abort()

    def _end(self) -> None:
        """Stop what was asked for and mend what was broken: nobody is there to do so."""
        self._over = True
        with suppress(RuntimeError):  # the rack has closed, and done so itself
            while self._asked:
                self.control.do(Cancel(self._asked.pop()))
            while self._broken:
                self.control.do(ClearFault(self._broken.pop()))


def _wake(loop: asyncio.AbstractEventLoop, heard: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(heard.set)
