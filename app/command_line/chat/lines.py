"""Lines that a person types: edited and kept where there is a terminal, read plainly elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Final

try:
    import readline
except ImportError:  # not on every system
    readline = None  # type: ignore[assignment]

HISTORY: Final = "chat-history"
MOST_LINES: Final = 1000
PROMPT: Final = "> "


@contextmanager
def edited_lines(home: Path, commands: Iterable[str]) -> Iterator[None]:
    """Let lines be edited, completed and found again in the block; only their owner reads them."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    if readline is None or not sys.stdin.isatty():
        yield
        return
    path, known = home / HISTORY, tuple(f"/{each} " for each in commands)
    readline.set_completer_delims("\n")
    readline.set_completer(lambda typed, number: _completed(known, typed, number))
    readline.parse_and_bind("tab: complete")
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        readline.read_history_file(path)
    try:
        yield
    finally:
        readline.set_history_length(MOST_LINES)
        with suppress(OSError):
            readline.write_history_file(path)
            path.chmod(0o600)


def read_line() -> str:
    """Return the next line. Raises `EOFError` at the end, `KeyboardInterrupt` at Ctrl-C."""
    if sys.stdin.isatty():
        return input(PROMPT)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


def _completed(known: Iterable[str], typed: str, number: int) -> str | None:
    fitting = [each for each in known if typed and each.startswith(typed)]
    return fitting[number] if number < len(fitting) else None
