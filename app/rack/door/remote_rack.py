"""A rack that another program of this user has open: a `RackAccess`."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from threading import Lock, Thread
from typing import Any, Final, cast

from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.rack.commands.command import Command, Result
from app.rack.door import entrance
from app.rack.door.messages import (
    HEAD,
    MOST_ANSWER_BYTES,
    MOST_CALL_BYTES,
    Verb,
    Welcome,
    frame,
    length_of,
    message_of,
    read_error,
    result_type,
    unpacked,
    write_command,
)
from app.rack.events.request_events import Ended, RequestEvent
from app.rack.events.request_log import RequestLog, RequestStream
from app.rack.events.values import UnreadableError, read_as
from app.rack.home import Home
from app.rack.snapshot import ModelChoice, Phase, RackSnapshot
from workers.version import VERSION

CONNECT_TIMEOUT_S: Final = 10.0
"""For the first words: an open rack that computes may need a moment."""
_EVENTS_KEPT: Final = 1 << 21
Take = Callable[[Any], None]
Fail = Callable[[ShardloomError], object]


class RemoteRack:
    """Calls the door; what comes back is taken in on a thread of its own."""

    def __init__(self, connection: socket.socket) -> None:
        """Take the rack in as it is. Raises `BadInputError` for another version's door."""
        self._connection = connection
        self._reader = connection.makefile("rb")
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self._sending = Lock()
        self._waiting: dict[int, tuple[Take, Fail]] = {}
        self._listeners: list[Callable[[RackSnapshot], None]] = []
        self._closed = False
        self.welcome = self._greet()
        self._newest = self._first_look()
        connection.settimeout(None)
        Thread(target=self._take_in, name="rack", daemon=True).start()
        self._look()

    def do(self, command: Command[Result]) -> Future[Result]:
        """Have a command carried out there."""
        done: Future[Result] = Future()

        def take(given: object) -> None:
            result, rack = cast("list[object]", given)
            self._take_snapshot(rack)
            done.set_result(read_as(result_type(type(command)), result))

        self._call(take, done.set_exception, Verb.DO, *write_command(command))
        return done

    def subscribe(self, listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        """Call the listener with each snapshot that comes; returns the undo."""
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock, suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    def snapshot(self) -> RackSnapshot:
        """Return the newest snapshot; it shows what every settled command did."""
        return self._newest

    def models(self) -> tuple[ModelChoice, ...]:
        """Return the imported models."""
        answer: Future[tuple[ModelChoice, ...]] = Future()
        kind = tuple[ModelChoice, ...]
        self._call(
            lambda given: answer.set_result(read_as(kind, given)),
            answer.set_exception,
            Verb.MODELS,
        )
        return answer.result(CONNECT_TIMEOUT_S)

    def follow(self, request: RequestId, after: int = 0) -> RequestStream:
        """Return a stream of a request's own events, kept here as they come."""
        log = RequestLog(request, _EVENTS_KEPT)
        self._read_on(log, request, after)
        return RequestStream(log)

    def close(self) -> Future[None]:
        """Leave; the rack stays open."""
        done: Future[None] = Future()
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        done.set_result(None)
        return done

    def _greet(self) -> Welcome:
        try:
            welcome = read_as(Welcome, unpacked(self._receive_body()))
        except UnreadableError:
            raise BadInputError("door.other_version") from None
        if welcome.version != VERSION:
            raise BadInputError("door.other_version")
        return welcome

    def _first_look(self) -> RackSnapshot:
        self._connection.sendall(frame([0, Verb.LOOK, 0], MOST_CALL_BYTES))
        answer = message_of(self._receive_body())
        if answer[1] != "done":
            raise BadInputError("door.other_version")
        self._seen, rack = answer[2]
        return read_as(RackSnapshot, rack)

    def _look(self) -> None:
        def take(given: object) -> None:
            self._seen, rack = cast("list[Any]", given)
            self._take_snapshot(rack)
            self._look()

        self._call(take, lambda _error: None, Verb.LOOK, self._seen)

    def _read_on(self, log: RequestLog, request: RequestId, after: int) -> None:
        def take(given: object) -> None:
            events = read_as(tuple[RequestEvent, ...], given)
            for event in events:
                log.add(event.at_s, event.what)
            if events and not isinstance(events[-1].what, Ended):
                self._read_on(log, request, events[-1].sequence)
            else:
                log.close()

        self._call(take, lambda _error: log.close(), Verb.READ, request, after)

    def _take_snapshot(self, given: object) -> None:
        self._tell(read_as(RackSnapshot, given))

    def _tell(self, snapshot: RackSnapshot) -> None:
        with self._lock:
            self._newest = snapshot
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(snapshot)

    def _call(self, take: Take, fail: Fail, *call: object) -> None:
        """Send a call; one of the two hears of its answer, on the thread that reads."""
        number = next(self._numbers)
        content = frame([number, *call], MOST_CALL_BYTES)
        with self._lock:
            closed = self._closed
            if not closed:
                self._waiting[number] = take, fail
        if closed:
            fail(ShardloomError("door.closed"))
            return
        with self._sending, suppress(OSError):  # the thread that reads hears of it too
            self._connection.sendall(content)

    def _take_in(self) -> None:
        try:
            while True:
                self._take_answer(*message_of(self._receive_body()))
        except (OSError, EOFError, LookupError, TypeError, ValueError):
            self._end()

    def _take_answer(self, number: int, outcome: object, *content: object) -> None:
        with self._lock:
            take, fail = self._waiting.pop(number)
        if outcome != "done":
            fail(read_error(*content))
            return
        try:
            take(*content)
        except UnreadableError as error:
            fail(ShardloomError("door.unreadable", reason=str(error)))

    def _end(self) -> None:
        """Let everybody know that nothing more comes."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, {}
        self._connection.close()
        for _, fail in waiting.values():
            fail(ShardloomError("door.closed"))
        closed = (Fact("door.closed"),)
        self._tell(replace(self._newest, phase=Phase.STOPPED, notices=closed))

    def _receive_body(self) -> bytes:
        length = length_of(self._exactly(HEAD.size), MOST_ANSWER_BYTES)
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        content = self._reader.read(length)
        if len(content) < length:
            raise EOFError
        return content


def find_open(home: Home) -> RemoteRack | None:
    """Return the rack that is open on a home; None where none is, or it lets nobody in.

    Raises `BadInputError` where another version of Shardloom holds it.
    """
    connection = entrance.connect(home, CONNECT_TIMEOUT_S)
    if connection is None:
        return None
    try:
        return RemoteRack(connection)
    except (OSError, EOFError):
        connection.close()
        return None
