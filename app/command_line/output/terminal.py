"""What every command prints through: JSON for scripts, tables and text for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app.core.errors import ShardloomError, reason_of
from app.core.facts import Fact
from app.words.catalogue import tr
from app.words.sentences import fact_text

PLAIN_WIDTH = 160
"""Columns where the output is a file or a pipe, so that nothing is cut."""


class OutputError(ShardloomError):
    """Standard output takes no more: a full disk, a reader that went away, a closed descriptor."""


class _ResultConsole(Console):
    def on_broken_pipe(self) -> None:
        """Let the error pass; the library would end the program without a word."""
        raise  # noqa: PLE0704 - called where the error is being handled


def result_console() -> Console:
    """Return the console for results, on standard output; to be used in `output_kept_whole`."""
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return _ResultConsole(width=width, highlight=False, markup=False)


def progress_console() -> Console:
    """Return the console for progress, on standard error."""
    return Console(stderr=True, highlight=False, markup=False)


@contextmanager
def output_kept_whole() -> Iterator[None]:
    """Write on standard output in the block. Raises `OutputError` where not all can be written.

    Characters that its encoding has not are written as escapes.
    """
    if sys.stdout is None:
        raise OutputError("output.closed")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        _discard_the_rest()
        raise OutputError("output.cut_short", reason=reason_of(error)) from error


def print_json(value: object) -> None:
    """Print one JSON object on one line."""
    with output_kept_whole():
        is_unicode = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
        sys.stdout.write(json.dumps(value, ensure_ascii=not is_unicode) + "\n")


def right(heading: str) -> str:
    """Mark the heading of a column of figures, which is aligned right."""
    return f">{heading}"


def translated(headings: Iterable[str]) -> list[str]:
    """Return headings in the language in force."""
    return [f">{tr(each[1:])}" if each.startswith(">") else tr(each) for each in headings]


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print rows under headings; a heading that begins with `>` is aligned right."""
    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading[0] == ">" else "left")
    for row in rows:
        table.add_row(*row)
    with output_kept_whole():
        result_console().print(table)


def print_fact(fact: Fact) -> None:
    """Print what a fact says as one line."""
    print_line(fact_text(fact))


def print_line(text: str) -> None:
    """Print one line as it is."""
    with output_kept_whole():
        result_console().print(text, soft_wrap=True)


def _discard_the_rest() -> None:
    """Keep the interpreter from trying again, at its end, to write what is still held back."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
