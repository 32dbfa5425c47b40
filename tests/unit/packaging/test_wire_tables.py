"""docs/wire-protocol.md says of every message what the code checks."""

from __future__ import annotations

from wire_tables import PAGE, tables, written

from workers.protocol import codec
from workers.protocol.wire import PROTOCOL_VERSION


def test_the_tables_of_the_page_are_those_of_the_messages() -> None:
    page = PAGE.read_text()
    assert page == written(page), "run packaging/wire_tables.py --write"


def test_the_page_names_the_version_and_every_kind() -> None:
    page = PAGE.read_text()
    assert page.startswith(f"# Wire protocol, version {PROTOCOL_VERSION}\n")
    for message in (*codec.COMMANDS, *codec.UNASKED):
        assert f"| `{message.kind}` |" in page


def test_a_bound_that_changes_shows_in_the_tables() -> None:
    told = tables()
    assert "| `open` | transaction | ASCII text, 1 to 32 characters |" in told
    assert "| `ping` | (tensors) | at most 1 |" in told
    assert "| `done` to `seal` | signature | 64 bytes |" in told
