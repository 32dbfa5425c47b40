"""The window's end of the rack: newest snapshot at a bounded rate, commands that never block."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock, Thread
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal
from shiboken6 import isValid

from app.core.assignment import Assignment
from app.core.errors import BadInputError, ShardloomError
from app.core.identifiers import RequestId
from app.placement.problem import Prediction
from app.rack.commands.command import Command
from app.rack.control import RackControl
from app.rack.events.request_log import RequestStream
from app.rack.snapshot import ModelChoice, RackSnapshot, Samples
from app.words.catalogue import tr
from app.words.sentences import error_text
from app.words.states import phone_name
from app.words.window import failed_command

TICK_MS = 67
"""15 snapshots a second at most."""
_HALF_TICK_MS = TICK_MS // 2
AGE_MS = 1000

_log = logging.getLogger(__name__)
T = TypeVar("T")


class RackLink(QObject):
    """Bridges a `RackControl`, which lives on other threads, to signals on the GUI thread."""

    opened = Signal()
    snapshot_changed = Signal(object)
    """A `RackSnapshot`; those that came in between were dropped."""
    ticked = Signal()
    """Half a tick later, so that what shows snapshots and what moves are painted in turns."""
    aged = Signal()
    """Once a second while a rack is shown, for what tells how old something is."""
    failed = Signal(str)
    """One plain line about something that could not be done."""
    _delivered = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._control: RackControl | None = None
        self._opening: Future[RackControl] | None = None
        self._reader = ThreadPoolExecutor(1, "reader")
        self._newest: tuple[RackSnapshot, float] | None = None
        self._newest_lock = Lock()
        self._shown: tuple[RackSnapshot, float] | None = None
        self._names: Mapping[str, str] = {}
        self._delivered.connect(lambda work: work())
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._half_timer = QTimer(self, interval=_HALF_TICK_MS, singleShot=True)
        self._half_timer.timeout.connect(self.ticked)
        self._age_timer = QTimer(self, interval=AGE_MS)
        self._age_timer.timeout.connect(self._grow_old)
        self._timer.start()
        self._age_timer.start()

    def open(self, open_control: Callable[[], RackControl]) -> None:
        """Open the rack on a thread of its own; `opened` or `failed` follows."""
        opening: Future[RackControl] = Future()
        self._opening = opening
        Thread(target=_resolve, args=(opening, open_control), name="open-rack", daemon=True).start()
        self._when_done(opening, self._adopt, self.failed.emit)

    @property
    def snapshot(self) -> RackSnapshot | None:
        """The snapshot now shown; None before the first."""
        return self._shown[0] if self._shown else None

    @property
    def names(self) -> Mapping[str, str]:
        """What the phones are called, by serial."""
        return self._names

    @property
    def now_s(self) -> float:
        """The present on the axis of `at_s`."""
        if self._shown is None:
            return 0.0
        snapshot, arrived_s = self._shown
        return snapshot.at_s + time.monotonic() - arrived_s

    @property
    def silence_s(self) -> float:
        """Seconds since the rack last said anything; 0 before it first did."""
        return time.monotonic() - self._newest[1] if self._newest else 0.0

    def refresh(self) -> None:
        """Show the rack's newest snapshot at once."""
        if self._control is not None:
            self._look(self._control)
            self._show_at_once()

    def show_again(self) -> None:
        """Show the snapshot now shown once more, for panels that have just come into sight."""
        if self._shown is not None:
            self.snapshot_changed.emit(self._shown[0])

    def samples(self) -> Samples:
        """Return the graph points of the last 60 seconds; empty before the rack is open."""
        return self._control.samples() if self._control else {}

    def predict(self, assignment: Assignment) -> Prediction | None:
        """Predict at once; None where the rack cannot yet."""
        return self._control.predict(assignment) if self._control else None

    def follow(self, request: RequestId) -> RequestStream | None:
        """Return a request's own events; None where they are not kept (any more)."""
        try:
            return self._control.follow(request) if self._control else None
        except BadInputError:
            return None

    def models(self) -> tuple[ModelChoice, ...]:
        """Return the imported models; empty before the rack is open."""
        return self._control.models() if self._control else ()

    def submit(
        self,
        command: Command[T],
        done: Callable[[T], None] | None = None,
        refused: Callable[[], None] | None = None,
    ) -> Future[T] | None:
        """Send a command; `done` or `refused` is called on this thread once it has settled.

        Returns what may be cancelled (`refused` follows); None where it has settled already or no
        rack is open yet.
        """

        def say_and_refuse(line: str) -> None:
            self._say(line)
            if refused:
                refused()

        return self.ask(command, done, say_and_refuse)

    def ask(
        self,
        command: Command[T],
        done: Callable[[T], None] | None,
        refused: Callable[[str], None],
    ) -> Future[T] | None:
        """Send a command as `submit` does; the line why it failed is for `refused` alone.

        The line is empty where the command was cancelled. Where `refused` is of a widget that was
        deleted meanwhile, the window says the line, and nobody is told of a success.
        """
        if self._control is None:
            refused(tr("The rack is not open yet."))
            return None
        future = self._control.do(command)
        self._when_done(future, done, refused)
        return None if future.done() else future

    def read(
        self,
        read: Callable[[RackControl], T],
        done: Callable[[T], None],
        refused: Callable[[str], None],
    ) -> None:
        """Read something on a thread of its own; `done` or `refused` is called on this one.

        What `refused` gets is empty before the rack is open.
        """
        control = self._control
        if control is None:
            refused("")
            return
        self._when_done(self._reader.submit(lambda: read(control)), done, refused)

    def deliver(self, work: Callable[[], None]) -> None:
        """Call something on this thread, from any other, unless the window is gone."""
        with contextlib.suppress(RuntimeError):
            self._delivered.emit(work)

    def close(self, closed: Callable[[], None]) -> None:
        """Close the rack, also one still being opened; `closed` is called when it has stopped."""
        self._timer.stop()
        self._half_timer.stop()
        self._age_timer.stop()
        self._reader.shutdown(wait=False, cancel_futures=True)
        if self._opening is None:
            closed()
            return
        self._opening.add_done_callback(
            lambda opening: self.deliver(partial(self._close_opened, opening, closed))
        )

    def wait_closed(self, limit_s: float) -> bool:
        """Block until the rack that is being closed has stopped; return whether it has in time.

        For when the window is gone: a process that ended before would leave phones half stopped.
        """
        deadline_s = time.monotonic() + limit_s
        try:
            if self._opening is not None and self._opening.exception(limit_s) is None:
                closing = self._opening.result().close()
                closing.result(max(deadline_s - time.monotonic(), 0.0))
        except TimeoutError:
            return False
        return True

    def _close_opened(self, opening: Future[RackControl], closed: Callable[[], None]) -> None:
        if opening.exception() is not None:
            closed()
            return
        opening.result().close().add_done_callback(lambda _: self.deliver(closed))

    def _adopt(self, control: RackControl) -> None:
        self._control = control
        control.subscribe(self._receive)
        self._look(control)
        self.opened.emit()
        self._show_at_once()

    def _say(self, line: str) -> None:
        if line:
            self.failed.emit(line)

    def _look(self, control: RackControl) -> None:
        """Take the rack's newest; what it publishes at the same time comes after: it is newer."""
        with self._newest_lock:
            self._newest = (control.snapshot(), time.monotonic())

    def _receive(self, snapshot: RackSnapshot) -> None:
        with self._newest_lock:
            self._newest = (snapshot, time.monotonic())

    def _tick(self) -> None:
        self._show_newest()
        if not self._half_timer.isActive():  # else a window that is late would never tick
            self._half_timer.start()

    def _grow_old(self) -> None:
        if self._shown is not None:
            self.aged.emit()

    def _show_at_once(self) -> None:
        self._show_newest()
        self.ticked.emit()

    def _show_newest(self) -> None:
        if self._newest is not self._shown and self._newest is not None:
            self._shown = self._newest
            phones = self._shown[0].phones
            self._names = {str(phone.serial): phone_name(phone) for phone in phones}
            self.snapshot_changed.emit(self._shown[0])

    def _when_done(
        self,
        future: Future[T],
        done: Callable[[T], None] | None,
        refused: Callable[[str], None],
    ) -> None:
        future.add_done_callback(
            lambda settled: self.deliver(partial(self._settle, settled, done, refused))
        )

    def _settle(
        self,
        future: Future[T],
        done: Callable[[T], None] | None,
        refused: Callable[[str], None],
    ) -> None:
        if _is_gone(refused):
            done, refused = None, self._say
        if future.cancelled():
            refused("")
            return
        error = future.exception()
        if error is None:
            if done:
                done(future.result())
        elif isinstance(error, ShardloomError):
            refused(error_text(error))
        else:
            _log.error("A command failed unexpectedly.", exc_info=error)
            refused(failed_command(error))


def _is_gone(callback: object) -> bool:
    while isinstance(callback, partial):
        callback = callback.func
    owner = getattr(callback, "__self__", None)
    return isinstance(owner, QObject) and not isValid(owner)


def _resolve(future: Future[RackControl], open_control: Callable[[], RackControl]) -> None:
    try:
        future.set_result(open_control())
    except BaseException as error:  # noqa: BLE001 - whatever it is, the window has to say it
        future.set_exception(error)
