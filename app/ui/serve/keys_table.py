"""The keys there are, as a table."""

from __future__ import annotations

from PySide6.QtCore import Qt

from app.rack.door.serving import ApiKey
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import spoken
from app.ui.looks.table import Column, RowsModel, Table
from app.words.catalogue import message, tr
from app.words.pages.serve import key_state, limit_text
from app.words.states import day_text


def keys_table(appearance: Appearance) -> Table:
    """Return a table of `ApiKey`s."""
    table = Table(RowsModel[ApiKey](_columns(appearance), lambda key: key.name))
    spoken(table.setAccessibleName, "Keys of the address")
    table.stretch_first_column()
    return table


def _columns(look: Appearance) -> tuple[Column[ApiKey], ...]:
    right = Qt.AlignmentFlag.AlignRight
    return (
        Column(message("Name"), lambda key: key.name),
        Column(message("Made"), lambda key: day_text(key.created_ms)),
        Column(message("Last used"), lambda key: day_text(key.used_ms) or tr("never")),
        Column(
            message("Requests/min"),
            lambda key: limit_text(key.limits.requests_per_minute),
            right,
        ),
        Column(message("Tokens/min"), lambda key: limit_text(key.limits.tokens_per_minute), right),
        Column(
            message("State"),
            key_state,
            colour=lambda key: look.tokens.good if key.valid else look.tokens.muted,
        ),
    )
