"""The planning process as the rack sees it: kept warm, begun again, never waited for without end.

A search holds Python's lock for a tenth of a second at a time, which would keep the loop waiting
that serves requests; in a process of its own it holds its own.
"""

from __future__ import annotations

import logging
import os
import selectors
import subprocess
import threading
from contextlib import suppress
from typing import Final

from app.core.clock import Clock
from app.core.errors import ShardloomError
from app.placement.asking.messages import (
    Answered,
    Hurry,
    Message,
    QuestionAsked,
    Surprised,
    packed,
    read_message,
)
from app.placement.asking.question import Heard, PlannerQuestion
from app.placement.asking.starting import started
from app.placement.problem import Plan

GRACE_S: Final = 60.0
"""What an answer may take beyond its budget: a refusal, to the byte, is searched for without one,
and the linear program has a limit of its own."""
MOST_WAITING: Final = 16
TRIES: Final = 2
"""How often a question is asked that the process dies of."""
LONGEST_S: Final = 3600.0
"""How long a search without a budget is waited for."""
_END_S: Final = 2.0
_KILL_EVERY_S: Final = 0.05
_log = logging.getLogger("shardloom.planning")


class _Gone(Exception):  # noqa: N818 - tells what happened, caught below
    """The process ended, or did not answer in time."""


class PlannerProcess:
    """Asks one planning process, one question at a time. Any thread may ask; each waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._number = 0
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._closed = False

    @property
    def process_id(self) -> int | None:
        """The process that answers, None where none was begun yet."""
        return self._process.pid if self._process else None

    def warm_up(self) -> None:
        """Begin the process, so that the first question does not wait for it."""
        with self._asking:
            if not self._closed:
                self._running()

    def answer(self, question: PlannerQuestion, heard: Heard | None = None) -> Plan:
        """Return the last answer; `heard` is called with those before. Raises like the planner.

        Also raises `ShardloomError` where the process cannot say, or too many wait already.
        """
        if not self._waiting.acquire(blocking=False):
            raise ShardloomError("planning.too_many", limit=MOST_WAITING)
        try:
            with self._asking:
                return self._asked(question, heard)
        finally:
            self._waiting.release()

    def hurry(self) -> None:
        """Have the question at work answered with the best so far. Never blocks."""
        if self._asking.locked():
            with suppress(OSError):  # full of hurry already, or closed
                os.write(self._wake, b"h")

    def close(self) -> None:
        """End the process; who waits for an answer is told that it is gone."""
        if self._closed:
            return
        self._closed = True
        while not self._asking.acquire(timeout=_KILL_EVERY_S):
            process = self._process
            if process is not None:
                process.kill()  # whoever waits for it leaves
        try:
            self._end()
            os.close(self._woken)
            os.close(self._wake)
        finally:
            self._asking.release()

    def _asked(self, question: PlannerQuestion, heard: Heard | None) -> Plan:
        for _ in range(TRIES):
            if self._closed:
                break
            try:
                return self._one_try(question, heard)
            except (_Gone, OSError) as error:
                _log.warning("the planning process is begun again: %s", str(error) or "ended")
                self._end()
        raise ShardloomError("planning.no_answer", tries=TRIES)

    def _one_try(self, question: PlannerQuestion, heard: Heard | None) -> Plan:
        process = self._running()
        self._number += 1
        content = packed(QuestionAsked(self._number, question))
        self._forget_hurry()
        _write(process, content)
        until_s = self._clock.monotonic_s() + _longest_s(question)
        while True:
            message = self._next_message(process, until_s)
            match message:
                case Surprised(trace=trace):
                    raise RuntimeError(trace)
                case Answered(outcome=ShardloomError() as refusal):
                    raise refusal
                case Answered(outcome=Plan() as found, last=last):
                    pass
                case _:
                    raise _Gone("no-answer")
            if last:
                return found
            if heard is not None:
                heard(found)

    def _next_message(self, process: subprocess.Popen[bytes], until_s: float) -> Message:
        """Wait for the process, and pass hurry on meanwhile."""
        replies = process.stdout
        if replies is None:
            raise _Gone
        with selectors.DefaultSelector() as selector:
            selector.register(replies, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = selector.select(max(until_s - self._clock.monotonic_s(), 0.0))
                if not ready:
                    raise _Gone("late")
                if any(key.fileobj is replies for key, _ in ready):
                    break
                os.read(self._woken, 4096)
                _write(process, packed(Hurry(self._number)))
        message = read_message(replies)
        if message is None:
            raise _Gone
        return message

    def _forget_hurry(self) -> None:
        """Drop what was meant for an earlier question."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            if selector.select(0):
                os.read(self._woken, 4096)

    def _running(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is None or process.poll() is not None:
            self._end()
            self._process = process = started()
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _write(process: subprocess.Popen[bytes], content: bytes) -> None:
    if process.stdin is None:
        raise _Gone
    view = memoryview(content)
    while view:
        view = view[process.stdin.write(view) or 0 :]


def _longest_s(question: PlannerQuestion) -> float:
    """Return how long to wait for an answer."""
    return min(question.budget_s, LONGEST_S) + GRACE_S
