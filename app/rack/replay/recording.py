"""Writes what the recorder keeps to a file while the rack is open."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from app.core.clock import Clock
from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.rack.events.recorder import Recorder
from app.rack.replay.stream_file import StreamWriter
from app.rack.snapshot import TimelineKind
from app.rack.timeline import Timeline

WRITE_INTERVAL_S: Final = 1.0
RECORDED_INTERVAL_S: Final = 0.2
"""Between pictures that go to a file, so that a text grows there as it is written."""


class StreamRecording:
    """Lives on the service loop; the file is written on other threads."""

    def __init__(self, path: Path, recorder: Recorder) -> None:
        """Begin the file. Raises `BadInputError`."""
        self._path = path
        self._recorder = recorder
        self._writer = StreamWriter(path)
        self._cursor = 0

    async def run(self, clock: Clock, timeline: Timeline) -> None:
        """Write what is new, again and again, until that is no longer possible."""
        while True:
            await clock.sleep(WRITE_INTERVAL_S)
            try:
                await self._write()
            except OSError as error:
                told = BadInputError(
                    "stream.not_written", file=str(self._path), reason=reason_of(error)
                )
                timeline.add(TimelineKind.ERROR, told.fact)
                return
            if self._writer.full:
                timeline.add(TimelineKind.ERROR, Fact("stream.full"))
                return

    async def finish(self) -> None:
        """Write what is left and end the file."""
        try:
            await self._write()
        finally:
            self._writer.close()

    async def _write(self) -> None:
        recording = self._recorder.since(self._cursor)
        self._cursor = recording.newest
        await asyncio.to_thread(self._writer.write, recording.records)
