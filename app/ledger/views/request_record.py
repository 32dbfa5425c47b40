"""What the journal has of one request: its transactions, receipts and verdicts, to be checked."""

from __future__ import annotations

from typing import Any, Final

from app.core.errors import LedgerError
from app.core.identifiers import RequestId
from app.ledger.entry import Entry, EntryKind
from app.ledger.storage.addresses import LedgerPlace
from app.ledger.storage.places import open_storage_read_only
from app.ledger.storage.sql import JournalStorage

_FIRST: Final = "1"
"""The number of a request's first transaction: nothing of the request is older."""
_VERDICT: Final = ("outcome", "method", "reason", "deviation", "first_bad_generated", "verifier")


def read_request_record(path: LedgerPlace, request: RequestId) -> list[dict[str, Any]]:
    """Return a request's transactions, oldest first, JSON-ready; none where none is journalled.

    A receipt comes as it was signed (`data`, hexadecimal `signature` and `public_key`, RFC 8032),
    so that anybody can check it. Reads back from the newest entry. Raises `LedgerError`.
    """
    store = open_storage_read_only(path)
    try:
        with store.consistent_read():
            entries = _entries_of(store, request)
    except LedgerError as error:
        raise LedgerError("ledger.cannot_read", path=str(path), reason=error.fact) from None
    finally:
        store.close()
    transactions: dict[str, dict[str, Any]] = {}
    for entry in entries:
        _take_in(transactions, entry)
    return list(transactions.values())


def _entries_of(store: JournalStorage, request: RequestId) -> list[Entry]:
    """Return a request's entries, oldest first."""
    found: list[Entry] = []
    for entry in store.entries_with(f'"transaction":"{request}-'):
        found.append(entry)
        opened = entry.kind == EntryKind.TRANSACTION_OPENED
        if opened and entry.fields().get("transaction") == f"{request}-{_FIRST}":
            break
    return found[::-1]


def _take_in(transactions: dict[str, dict[str, Any]], entry: Entry) -> None:
    fields = entry.fields()
    name = str(fields.get("transaction"))
    if entry.kind == EntryKind.TRANSACTION_OPENED:
        nothing = {"receipt": None, "sharp_test": None}
        stages = [{**stage, **nothing, "verdicts": []} for stage in fields["stages"]]
        opened = {"opened_ms": entry.wall_ms, "model": fields["model"], "stages": stages}
        transactions[name] = {"transaction": name, **opened, "status": "open", "events": []}
        return
    transaction = transactions.get(name)
    if transaction is None:
        return
    where = {"entry": entry.sequence, "wall_ms": entry.wall_ms}
    match entry.kind:
        case EntryKind.RECEIPT:
            signed = {each: fields[each] for each in ("data", "signature", "public_key")}
            transaction["stages"][fields["stage"]]["receipt"] = {**signed, **where}
        case EntryKind.SHARP_TEST:
            transaction["stages"][fields["stage"]]["sharp_test"] = {**fields, **where}
        case EntryKind.AUDIT:
            verdict = {each: fields.get(each) for each in _VERDICT}
            transaction["stages"][fields["stage"]]["verdicts"].append({**verdict, **where})
        case EntryKind.SETTLED | EntryKind.ROLLED_BACK:
            transaction["status"] = entry.kind
            transaction["tokens"] = fields.get("tokens", fields.get("good_tokens"))
        case EntryKind.COMMITTED:
            transaction["status"] = entry.kind
        case EntryKind.VOIDED:
            transaction["status"], transaction["tokens"] = entry.kind, 0
        case _:
            what = {"kind": entry.kind, "serial": fields.get("serial")}
            transaction["events"].append({**what, **where})
