"""A journal of format 1, `journals/before_chains.sql`, written by the last version that did.

Its spans are plain layer numbers, its receipts have a form of their own. It ends without its epoch
closed and with a transaction open, as after a crash.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.entry import FORMAT_VERSION, EntryKind, canonical_json, entry_hash
from app.ledger.journal.keys import create_key
from app.ledger.journal.verification import FormatUse
from app.ledger.rules.evidence import SignedReceipt
from app.ledger.rules.old_receipts import OLD_RECEIPT_DOMAIN, SECOND_RECEIPT_DOMAIN
from app.ledger.rules.state import TransactionStatus
from app.ledger.rules.verdict import ReceiptStatus
from app.ledger.views.export import export_ledger
from app.testing.clocks import ManualClock
from app.words.sentences import fact_text
from tests.saying import raises_saying
from tests.unit.ledger.support import LAYERS, Bench, SigningPhone

WRITTEN = Path(__file__).parent / "journals" / "before_chains.sql"
ENTRIES = 28
UNFINISHED = TransactionId("unfinished")


def key_of(name: str) -> Ed25519PrivateKey:
    """Return the key that it was written with under that name."""
    return Ed25519PrivateKey.from_private_bytes(_seed(name))


def _seed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


class OldBench(Bench):
    """An old journal in a folder, its phones with their keys."""

    def __init__(self, folder: Path, written: Path = WRITTEN) -> None:
        self.path = folder / "ledger.db"
        self.key_path = folder / "keys" / "host.pem"
        create_key(self.key_path, _seed("host"))
        connection = sqlite3.connect(self.path)
        connection.executescript(written.read_text())
        connection.close()
        self.clock = ManualClock()
        self.phones = [SigningPhone(f"phone-{number}") for number in range(3)]
        for phone in self.phones:
            phone.key, phone.sequence = key_of(phone.serial), 50
        self.phones[0].numerical_class = "another class"


def old_receipt(phone: SigningPhone, stage: int, **changes: object) -> tuple[bytes, bytes, bytes]:
    """Return a receipt for the unfinished transaction as a worker of that time signed it."""
    phone.sequence += 1
    first, last = ((0, 1), (2, 4), (5, 7))[stage]
    fields: dict[str, Any] = {
        "transaction": UNFINISHED,
        "stage": stage,
        "serial": phone.serial,
        "span": "span",
        "graph": "0" * 64,
        "first_layer": first,
        "last_layer": last,
        "input_root": f"{stage:064x}",
        "output_root": f"{stage + 1:064x}",
        "steps": 3,
        "tokens": 9,
        "sequence": phone.sequence,
        "numerical_class": "class",
    }
    data = rfc8785.dumps(fields | changes)
    return data, phone.key.sign(OLD_RECEIPT_DOMAIN + data), phone.public_key


def second_receipt(
    phone: SigningPhone, transaction: str, stage: int, **changes: object
) -> tuple[bytes, bytes, bytes]:
    """Return a receipt as workers signed it before it named what was agreed."""
    first = sum(LAYERS[:stage])
    fields: dict[str, Any] = {
        "transaction": transaction,
        "stage": stage,
        "serial": phone.serial,
        "span": "span",
        "graph": "0" * 64,
        "blocks": {"chain": "decoder", "first": first, "end": first + LAYERS[stage]},
        "input_root": f"{stage:064x}",
        "output_root": f"{stage + 1:064x}",
        "steps": 3,
        "tokens": 9,
        "sequence": 77,
        "numerical_class": "class",
        "resumed_from": "",
        "resumed_rows": 0,
    }
    data = rfc8785.dumps(fields | changes)
    return data, phone.key.sign(SECOND_RECEIPT_DOMAIN + data), phone.public_key


@pytest.fixture
def old(tmp_path: Path) -> OldBench:
    return OldBench(tmp_path)


def test_it_verifies_and_tells_under_which_rules_it_was_written(old: OldBench) -> None:
    before = old.path.read_bytes()
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert report.formats == (FormatUse(1, ENTRIES),)
    assert len(export_ledger(old.path)["entries"]) == ENTRIES
    assert old.path.read_bytes() == before, "who only reads it leaves it in its format"


def test_it_is_gone_on_with_in_the_newest_format(old: OldBench) -> None:
    ledger = old.open()
    transaction = old.begin("new")
    old.sign_all(transaction)
    ledger.settle(transaction, 5)
    ledger.close()
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert report.formats[0] == FormatUse(1, ENTRIES)
    assert report.formats[1].format == FORMAT_VERSION
    raised = export_ledger(old.path)["entries"][ENTRIES]
    assert (raised["kind"], raised["body"]) == (EntryKind.FORMAT_RAISED, {"format": FORMAT_VERSION})
    connection = sqlite3.connect(old.path)
    assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT_VERSION,)
    connection.close()


def test_the_format_is_raised_once(old: OldBench) -> None:
    for _ in range(3):
        old.open().close()
    kinds = [entry["kind"] for entry in export_ledger(old.path)["entries"]]
    assert kinds.count(EntryKind.FORMAT_RAISED) == 1


def test_what_was_open_ends_under_the_rules_that_it_began_with(old: OldBench) -> None:
    ledger, (_, second, third) = old.open(), old.phones
    assert ledger.record_receipt(*old_receipt(second, 1)) is ReceiptStatus.RECORDED
    with raises_saying(LedgerError, "not about stage 2"):
        ledger.record_receipt(*third.receipt(UNFINISHED, 2))
    lie = old_receipt(second, 1, output_root="f" * 64)
    assert ledger.record_receipt(*lie) is ReceiptStatus.EQUIVOCATION
    ledger.settle(UNFINISHED, 4)
    ledger.close()
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    ended = old.open()._state.transaction(UNFINISHED)
    assert ended.status is TransactionStatus.SETTLED
    assert ended.offenders >= {second.serial}
    old.ledger.close()


def test_a_receipt_of_the_old_form_is_nothing_in_a_new_transaction(old: OldBench) -> None:
    ledger = old.open()
    transaction = old.begin("new")
    phone = old.phones[0]
    forged = old_receipt(phone, 0, transaction=transaction)
    with raises_saying(LedgerError, "not about stage 0"):
        ledger.record_receipt(*forged)
    second = second_receipt(phone, transaction, 0)
    with raises_saying(LedgerError, "another version's form"):
        ledger.record_receipt(*second)
    ledger.record_receipt(*phone.receipt(transaction, 0))
    with raises_saying(LedgerError, "another opening"):
        ledger.record_receipt(*forged)
    ledger.close()
    assert old.verify().valid


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"stage": True},
        {"first_layer": -1},
        {"steps": 1.5},
        {"tokens": 2**60},
        {"span": "\ud800"},
        {"input_root": "01"},
        {"output_root": None},
        {"blocks": {"chain": "decoder", "first": 0, "end": 2}},
    ],
)
def test_an_old_receipt_is_checked_as_it_was_then(old: OldBench, change: dict[str, object]) -> None:
    phone = old.phones[0]
    fields = json.loads(old_receipt(phone, 0)[0]) | change
    data = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    signed = SignedReceipt(
        data.decode(), phone.key.sign(OLD_RECEIPT_DOMAIN + data), phone.public_key
    )
    with raises_saying(LedgerError, "Receipt refused"):
        signed.verified()


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_in_an_old_receipt_is_found(place: int, bit: int) -> None:
    phone = SigningPhone("phone-0")
    data, signature, key = map(bytearray, old_receipt(phone, 0))
    target, offset = (data, place % len(data)) if place % 3 else (signature, place % 64)
    target[offset] ^= 1 << bit
    with pytest.raises(LedgerError):
        SignedReceipt(data.decode(errors="replace"), bytes(signature), bytes(key)).verified()


@pytest.mark.parametrize("sequence", [1, 2, ENTRIES // 2, ENTRIES])
def test_an_old_entry_that_was_changed_is_found(old: OldBench, sequence: int) -> None:
    connection = sqlite3.connect(old.path)
    connection.execute("DROP TRIGGER journal_never_changes")
    connection.execute("UPDATE journal SET wall_ms = wall_ms + 1 WHERE sequence = ?", (sequence,))
    connection.commit()
    connection.close()
    report = old.verify()
    assert (report.valid, report.entries) == (False, sequence - 1)


def test_a_span_without_a_chain_is_refused_where_the_format_names_it(old: OldBench) -> None:
    old.open().close()
    _append(old, EntryKind.TRANSACTION_OPENED, _opened({"first_layer": 0, "last_layer": 7}))
    report = old.verify()
    assert report.problem is not None
    assert "'chain' is not text" in fact_text(report.problem)


@pytest.mark.parametrize("number", range(FORMAT_VERSION + 2))
def test_a_format_only_ever_goes_up_to_the_newest(old: OldBench, number: int) -> None:
    old.open().close()
    _append(old, EntryKind.FORMAT_RAISED, {"format": number})
    report = old.verify()
    assert report.problem is not None
    assert f"Format {number} cannot follow format {FORMAT_VERSION}" in fact_text(report.problem)


def _opened(span: dict[str, object]) -> dict[str, Any]:
    return {
        "transaction": "appended",
        "request": "request",
        "model": "demo",
        "chains": [{"chain": "decoder", "blocks": 8}],
        "stages": [{"serial": "phone-0", **span}],
        "price_per_token": "1",
    }


def _append(old: OldBench, kind: str, fields: dict[str, Any]) -> None:
    """Write an entry that the rules were not asked about, chained as it must be."""
    connection = sqlite3.connect(old.path)
    row = "SELECT sequence, entry_hash FROM journal ORDER BY sequence DESC LIMIT 1"
    sequence, before = connection.execute(row).fetchone()
    body = canonical_json(fields)
    now = (sequence + 1, 2_000_000_000_000, kind, body)
    entry = (*now, before, entry_hash(before, *now))
    connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", entry)
    connection.commit()
    connection.close()
