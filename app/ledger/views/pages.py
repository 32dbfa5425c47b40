"""Pages of the journal, read beside the writer: any number of rows, a few at a time."""

from __future__ import annotations

from typing import Final

from app.core.errors import LedgerError
from app.ledger.entry import Entry, EntryKind
from app.ledger.storage.addresses import LedgerPlace
from app.ledger.storage.places import open_storage_read_only
from app.ledger.views.discrepancies import JournalReceipt
from app.ledger.views.journal_page import JournalPage, JournalSearch
from app.ledger.views.rows import journal_row

LARGEST_PAGE: Final = 1000
MOST_RECEIPTS: Final = 100_000
"""The newest so many receipts are compared with what phones keep."""

_RECEIPTS: Final = ("\n", (EntryKind.RECEIPT,), ())
"""A term that finds entries of one kind: no body has a line break in it."""


def read_page(
    path: LedgerPlace, before: int | None, count: int, search: JournalSearch | None = None
) -> JournalPage:
    """Return the newest `count` entries older than the entry `before`, or than any.

    At most `LARGEST_PAGE`. Raises `LedgerError` where the file cannot be read.
    """
    count, wanted = max(1, min(count, LARGEST_PAGE)), search or JournalSearch()
    store = open_storage_read_only(path)
    try:
        with store.consistent_read():
            found = store.entries_before(
                before,
                count + 1,
                [(term.words, term.kinds, term.also) for term in wanted.terms],
            )
    except LedgerError as error:
        raise LedgerError("ledger.cannot_read", path=str(path), reason=error.fact) from None
    finally:
        store.close()
    rows = tuple(journal_row(entry) for entry in reversed(found[:count]))
    return JournalPage(rows, reaches_beginning=len(found) <= count)


def read_receipts(path: LedgerPlace, most: int = MOST_RECEIPTS) -> list[JournalReceipt]:
    """Return the newest receipts of a journal. Raises `LedgerError` where it cannot be read."""
    found: list[JournalReceipt] = []
    store = open_storage_read_only(path)
    try:
        before: int | None = None
        while len(found) < most:
            entries = store.entries_before(before, LARGEST_PAGE, [_RECEIPTS])
            found += filter(None, map(_receipt_in, entries))
            if len(entries) < LARGEST_PAGE:
                break
            before = entries[-1].sequence
    except LedgerError as error:
        raise LedgerError("ledger.cannot_read", path=str(path), reason=error.fact) from None
    finally:
        store.close()
    return found


def _receipt_in(entry: Entry) -> JournalReceipt | None:
    """Return the receipt in an entry; a search finds others too that merely speak of one."""
    if entry.kind != EntryKind.RECEIPT:
        return None
    fields = entry.fields()
    return JournalReceipt.read(entry.sequence, fields["data"], bytes.fromhex(fields["public_key"]))
