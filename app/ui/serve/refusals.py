"""What the address refused, newest first, and why."""

from __future__ import annotations

from PySide6.QtCore import Qt

from app.rack.door.serving import Refusal
from app.ui.looks.spoken import spoken
from app.ui.looks.table import Column, RowsModel, Table
from app.words.catalogue import message
from app.words.sentences import fact_text
from app.words.states import clock_text


def refusals_table() -> Table:
    """Return a table of `Refusal`s."""
    right = Qt.AlignmentFlag.AlignRight
    columns = (
        Column[Refusal](message("Time"), lambda row: clock_text(row.at_ms)),
        Column[Refusal](message("Status"), lambda row: str(row.status), right),
        Column[Refusal](message("Key"), lambda row: row.key),
        Column[Refusal](message("Asked for"), lambda row: row.route),
        Column[Refusal](message("Why it was refused"), _why, tooltip=_why),
    )
    table = Table(RowsModel[Refusal](columns, id))
    spoken(table.setAccessibleName, "What was refused")
    return table


def _why(row: Refusal) -> str:
    return fact_text(row.reason)
