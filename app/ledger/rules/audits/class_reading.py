"""What the sixth format asks of audits beside what earlier ones did.

A last stage's receipt says what its tokens rest on. And what a rack read of a class's canary is on
record: who is of a class that nothing here reproduces loses no stake by numbers, so that each of
its receipts is audited. Earlier entries stand under the rules of their time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, flag, text
from app.ledger.rules.state import Change, State, TransactionRecord

GROUNDS_FORMAT: Final = 6


def check_grounds(attempt: TransactionRecord, *, says_grounds: bool) -> None:
    """Raise `LedgerError` for a receipt that says nothing of what tokens rest on: it is void."""
    if attempt.format >= GROUNDS_FORMAT and not says_grounds:
        raise LedgerError("receipt.of_another_form")


def is_beyond_judgement(state: State, serial: str) -> bool:
    """Tell whether a phone is registered with a class that nothing here reproduces.

    Products of such a class are judged by nobody, so that a wrong one costs no stake: all that it
    would gain by transactions that are not audited is taken by auditing each.
    """
    record = state.class_record(state.phone(serial).numerical_class)
    return state.format >= GROUNDS_FORMAT and record.reproduced is False


def class_read(state: State, _entry: Entry, fields: Fields) -> Change:
    """Note whether the products that a class is a digest of are reproduced by some rounding."""
    check_format(state)
    name, reproduced = text(fields, "class"), flag(fields, "reproduced")
    record = state.class_record(name)
    if not name or record.reproduced is reproduced or record.reproduced:
        raise LedgerError("ledger.class_read_already", name=name)
    return Change(of_class=replace(record, reproduced=reproduced))


def check_format(state: State) -> None:
    """Raise `LedgerError` for an entry that older formats do not have."""
    if state.format < GROUNDS_FORMAT:
        raise LedgerError("entry.of_newer_format", format=GROUNDS_FORMAT)
