# ruff: noqa: INP001 - a script, not a package
"""Write the tables of docs/wire-protocol.md from the messages: `wire_tables.py [--write]`.

Without `--write` it prints them. A test compares what the page holds with what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, get_args, get_type_hints

from workers.protocol import codec
from workers.protocol.bounds import Tensors
from workers.protocol.commands import Done
from workers.protocol.forms import field_forms
from workers.protocol.message import Message

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "wire-protocol.md"
BEGIN: Final = "<!-- made by packaging/wire_tables.py from workers/protocol -->"
END: Final = "<!-- end of what is made -->"


def tables() -> str:
    """Return the fields of every message as two tables."""
    asked = [(f"`{each.kind}`", each) for each in codec.COMMANDS]
    unasked = [(f"`{each.kind}`", each) for each in codec.UNASKED]
    peers = [(f"`{each.kind}`", each) for each in codec.PEERS]
    answers = [
        (f"`done` to `{each.kind}`", each.reply)
        for each in codec.COMMANDS
        if each.reply is not Done
    ]
    tables = (
        _table("command", asked),
        _table("answer, message", [*answers, *unasked]),
        _table("between phones", peers),
    )
    return "\n\n".join(tables)


def written(page: str) -> str:
    """Return the page with the tables in their place. Raises `ValueError` where it has none."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _table(what: str, messages: Iterable[tuple[str, type[Message]]]) -> str:
    lines = [f"| {what} | field | holds |", "| --- | --- | --- |"]
    for name, message in messages:
        lines += [f"| {name} | {field} | {holds} |" for field, holds in _fields(message)]
    return "\n".join(lines)


def _fields(message: type[Message]) -> list[tuple[str, str]]:
    forms = [(name, form.words) for name, form in field_forms(message).items()]
    hint = get_type_hints(message, include_extras=True).get("tensors")
    bounds = [each for each in get_args(hint) if isinstance(each, Tensors)]
    found = forms + [("(tensors)", f"at most {bound.maximum:,}") for bound in bounds]
    return found or [("", "")]


def main(arguments: list[str]) -> int:
    """Print the tables, or write them into the page."""
    if arguments == ["--write"]:
        PAGE.write_text(written(PAGE.read_text()))
    else:
        sys.stdout.write(tables() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
