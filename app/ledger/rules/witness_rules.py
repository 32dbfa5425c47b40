"""The rule for heads that phones signed too: they hold the host to one history."""

from __future__ import annotations

from app.core.errors import LedgerError, reason_of
from app.ledger.entry import Entry, Fields, records, text
from app.ledger.rules.state import Change, State
from workers.errors import ReceiptError
from workers.identity.checkpoint import LogCheckpoint, check_cosignature


def cosigned(state: State, _entry: Entry, fields: Fields) -> Change:
    """Keep a head of an earlier moment with the signatures of registered phones.

    That its root is the journal's at that size is for `verify_ledger` to check.
    """
    try:
        checkpoint = LogCheckpoint.read(text(fields, "note"))
        lines = {text(each, "serial"): text(each, "line") for each in records(fields, "lines")}
        for serial, line in lines.items():
            check_cosignature(checkpoint, line, state.phone(serial).public_key)
    except ReceiptError as error:
        raise LedgerError("ledger.cosignature_refused", reason=reason_of(error)) from None
    if not lines or len(lines) != len(records(fields, "lines")):
        raise LedgerError("ledger.cosigned_by_nobody")
    if checkpoint.size > state.entries:
        raise LedgerError("ledger.cosigned_beyond_end", size=checkpoint.size)
    return Change()
