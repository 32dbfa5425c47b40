"""How much a template may use up before it is ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """A well-known model's template takes a few milliseconds and writes what was said."""

    processor_s: int = 5
    """Of the process's own time, so that a busy computer ends nothing too early."""
    waiting_s: int = 60
    """By the clock, for a process that gets no processor time at all."""
    memory_bytes: int = 512 << 20
    text_bytes: int = 4 << 20


USUAL_BOUNDS = Bounds()
