"""What a worker says of why it does not go on, as a fact where its code is one that we know."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.facts import Fact
from workers.protocol.reasons import REASONS
from workers.protocol.told import told_reason


def reason_told(reason: str, fields: Iterable[tuple[str, str]]) -> Fact | str:
    """Return the fact; a code or fields that we do not know are the phone's own words."""
    values = {name: told_reason(value) for name, value in fields}
    known = REASONS.get(reason)
    if known is None or values.keys() != set(known):
        return told_reason(reason)
    return Fact(reason, **values)
