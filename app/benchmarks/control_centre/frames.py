"""What the window computes for a picture of a wall of phones, and how long its loop is held."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from app.benchmarks.control_centre.child import figures_of
from app.benchmarks.control_centre.wall_stream import write_wall

SPANS: Final = ("MINUTE", "HOUR")
"""How far back the charts look: from each picture, or read from the history now and then."""
WATCHED_S: Final = 12.0
DYING_S: Final = 4.0
"""At the end of it phones die."""
OPENING_S: Final = 15.0
"""The stream goes on for so long besides: before the window has settled nothing is counted."""
LIMIT_MS: Final = 50.0
_TIMEOUT_S: Final = 300.0


@dataclass(frozen=True)
class Frames:
    """Figures of one process.

    `frames_ms` is what the window's thread computed from one picture to the next; `blocked_ms` and
    `busy_ms` are of each beat of its event loop, one due each 5 ms; memory was read each second.
    """

    painted_s: float
    frames_ms: Sequence[float]
    blocked_ms: Sequence[float]
    busy_ms: Sequence[float]
    memory_bytes: Sequence[int]

    def as_record(self) -> dict[str, object]:
        """Return what JSON can hold."""
        return asdict(self)

    @property
    def frame_ms(self) -> float:
        """The median."""
        return statistics.median(self.frames_ms)


def measure_frames(folder: Path, rounds: int) -> Mapping[str, Sequence[Frames]]:
    """Return figures by span, of as many processes each. Raises `ShardloomError`."""
    stream = folder / "wall.stream"
    seconds = WATCHED_S + OPENING_S
    write_wall(stream, seconds, seconds - DYING_S)
    found: dict[str, list[Frames]] = {span: [] for span in SPANS}
    for number in range(rounds):
        for span in SPANS:
            home = folder / f"{span}-{number}"
            home.mkdir()
            found[span].append(watch(stream, span, WATCHED_S, home))
    return found


def watch(
    stream: Path, span: str, seconds: float, home: Path, timeout_s: float = _TIMEOUT_S
) -> Frames:
    """Run the control centre on a stream. Raises `ShardloomError` with its last words."""
    arguments = (str(stream), span, str(seconds), str(home))
    return Frames(**figures_of("app.benchmarks.control_centre.watched", arguments, timeout_s))
