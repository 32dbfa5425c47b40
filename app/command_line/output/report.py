"""What a benchmark found: one JSON object, and tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.facts import Fact


@dataclass(frozen=True)
class FigureTable:
    """A table; a heading that begins with `>` is of figures, set to the right."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> list[str]:
        """Return the table as lines of Markdown."""
        headings = [heading.lstrip(">") for heading in self.headings]
        lines = [headings, ["---"] * len(headings), *self.rows]
        return [f"| {' | '.join(line)} |" for line in lines]


@dataclass(frozen=True)
class BenchmarkReport:
    """`explanation` says how it was measured; `figures` is ready for JSON."""

    heading: str
    explanation: Fact
    tables: tuple[FigureTable, ...]
    figures: Mapping[str, object]
