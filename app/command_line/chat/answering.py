"""One answer, written as it comes; Ctrl-C stops it alone."""

from __future__ import annotations

import re
import sys
from typing import Final

from app.command_line.failures import complain
from app.command_line.output.terminal import output_kept_whole
from app.command_line.rack_session import COMMAND_TIMEOUT_S, RackSession
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.rack.commands import Ask, Cancel
from app.rack.events.request_events import Ended, RolledBack, TokenAdded, WhatHappened
from app.rack.events.request_log import RequestStream
from app.rack.snapshot import RequestSnapshot, RequestState
from app.words.sentences import fact_text

LOOK_INTERVAL_S: Final = 0.2
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a model may not do to a terminal."""


def answer(session: RackSession, ask: Ask) -> RequestSnapshot:
    """Ask, write the answer and return how it ended; one that was stopped has its text so far.

    Raises `ShardloomError` where the rack refuses, or closes before the end.
    """
    request = session.control.do(ask).result(COMMAND_TIMEOUT_S)
    stream = session.control.follow(request)
    try:
        ended = _written(stream, request, session)
    except BaseException:
        session.control.do(Cancel(request))
        raise
    finally:
        stream.close()
        write("\n")
    if ended.note:
        complain(fact_text(ended.note))
    if ended.state is RequestState.FAILED:
        raise ShardloomError(ended.state_reason or Fact("request.ended_as", state=ended.state))
    if ended.state is RequestState.CANCELLED:
        complain(fact_text(Fact("chat.stopped")))
    return ended


def write(text: str) -> None:
    """Write a part of an answer at once, without what would steer the terminal."""
    with output_kept_whole():
        sys.stdout.write(_CONTROL.sub("", text))


def _written(stream: RequestStream, request: RequestId, session: RackSession) -> RequestSnapshot:
    shown = _Shown()
    while not stream.ended:
        try:
            for event in stream.read(LOOK_INTERVAL_S):
                if ended := shown.take(event.what):
                    return ended
        except KeyboardInterrupt:
            session.control.do(Cancel(request))
    session.wait_until(lambda _rack: False, COMMAND_TIMEOUT_S)  # tells why there is no end
    raise ShardloomError("door.closed")


class _Shown:
    """The text on the screen."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def take(self, what: WhatHappened) -> RequestSnapshot | None:
        """Show what happened; returns the request once it has ended."""
        match what:
            case TokenAdded(text=text):
                self._parts.append(text)
                write(text)
            case RolledBack(taken_back=taken_back, kept=kept):
                del self._parts[kept:]
                write("\n")
                complain(fact_text(Fact("chat.taken_back", count=taken_back)))
                write("".join(self._parts))
            case Ended(request):
                return request
            case _:
                pass  # says nothing of the text
        return None
