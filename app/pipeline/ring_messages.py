"""Reading what workers send of their own accord: tokens, complaints, and texts for people."""

from __future__ import annotations

from app.core.identifiers import TransactionId
from workers.errors import RequestRefusedError
from workers.protocol.fields import MAXIMUM_TEXT, Fields
from workers.protocol.step_message import MAXIMUM_ROWS
from workers.protocol.wire import Kind, Message


def told_text(message: Message, name: str) -> str:
    """Return a text that people are shown, nothing in it that a screen would obey."""
    value = message.fields.get(name)
    text = value if isinstance(value, str) else ""
    return "".join(filter(str.isprintable, text))[:MAXIMUM_TEXT]


def by_transaction(message: Message) -> list[tuple[TransactionId, Message]]:
    """Return what a message from the ring says of each transaction it names.

    Raises `RequestRefusedError` for a message that says nothing of the kind.
    """
    fields = Fields(message.fields)
    if message.kind == Kind.BROKEN:
        names = fields.items("transactions")[:MAXIMUM_ROWS]
        return [(TransactionId(_text(name)), message) for name in names]
    if message.kind != Kind.TOKEN:
        raise RequestRefusedError("it is no answer to anything")
    trace = fields.items("trace")
    rows = [Fields({"row": row}).group("row") for row in fields.items("rows")[:MAXIMUM_ROWS]]
    return [
        (
            TransactionId(row.text("transaction")),
            Message(message.kind, {**row.values, "trace": trace}, message.tensors),
        )
        for row in rows
        if row is not None
    ]


def _text(value: object) -> str:
    return Fields({"transaction": value}).text("transaction")
