"""`run --trace FILE`: what became of the requests' time, written once they have ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.core.errors import BadInputError, reason_of
from app.core.identifiers import RequestId
from app.rack.control import RackAccess
from app.rack.events.chrome_trace import chrome_trace
from app.rack.events.request_events import RequestEvent
from app.rack.events.request_log import RequestStream

LAST_EVENTS_TIMEOUT_S: Final = 5.0
"""For what an open rack in another program has not sent yet."""


def check_trace_file(path: Path | None) -> None:
    """Raise `BadInputError` now for a file that could not be written after the run."""
    if path is None:
        return
    with _writing(path):
        is_new = not path.exists()
        path.open("a").close()
        if is_new:
            path.unlink()


@contextmanager
def written_trace(
    control: RackAccess, requests: Sequence[RequestId], path: Path | None
) -> Iterator[None]:
    """Write the trace of these requests after the block, whatever became of them.

    Raises `BadInputError` where the file cannot be written (any more).
    """
    if path is None:
        yield
        return
    streams = [control.follow(each) for each in requests]
    try:
        yield
    finally:
        events = [event for stream in streams for event in _until_silent(stream)]
        with _writing(path):
            path.write_text(json.dumps(chrome_trace(events)) + "\n", encoding="utf-8")


def _until_silent(stream: RequestStream) -> Iterator[RequestEvent]:
    """Return what there is of a request; one that never ends is waited for no longer."""
    while events := stream.read(LAST_EVENTS_TIMEOUT_S):
        yield from events


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInputError("trace.not_written", path=str(path), reason=reason_of(error)) from error
