"""What every command prints through: JSON for scripts, tables and text for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 160
"""Columns where the output is a file or a pipe, so that nothing is cut."""


def result_console() -> Console:
    """Return the console for results, on standard output."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def progress_console() -> Console:
    """Return the console for progress, on standard error."""
    return Console(stderr=True, highlight=False)


def print_json(value: object) -> None:
    """Print one JSON object on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print rows under headings; a heading that begins with `>` is aligned right."""
    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading[0] == ">" else "left")
    for row in rows:
        table.add_row(*row)
    result_console().print(table)


def print_line(text: str) -> None:
    """Print one line as it is."""
    result_console().print(text, markup=False, soft_wrap=True)
