"""Heads that phones signed: part of the journal, and compared with it by everybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import LedgerError
from app.ledger.journal import tree as tree_module
from app.ledger.journal.tree import JournalTree
from app.ledger.merkle import consistency_proof, leaf_hash, root_hash
from app.ledger.views.export import export_ledger
from app.words.sentences import fact_text
from tests.saying import raises_saying
from tests.unit.ledger.support import Bench, SigningPhone
from workers.identity.checkpoint import LogCheckpoint, cosigned, signed_note


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.register()
    return made


def signed(note: str, phone: SigningPhone) -> str:
    return cosigned(LogCheckpoint.read(note), phone.key, 17)


def head(bench: Bench) -> str:
    note = bench.ledger.witnesses.head_to_cosign()
    assert note is not None
    return note


def leaves_of(bench: Bench) -> list[bytes]:
    entries = export_ledger(bench.path)["entries"]
    return [leaf_hash(bytes.fromhex(entry["entry_hash"])) for entry in entries]


@given(st.integers(1, 40), st.integers(1, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_the_tree_of_any_size_is_that_of_its_leaves(
    tmp_path_factory: pytest.TempPathFactory, one: int, other: int
) -> None:
    bench = Bench(tmp_path_factory.mktemp("tree"))
    bench.register()
    for _ in range(33):
        bench.ledger.add_stake(bench.phones[0].serial, 1)
    old, size = sorted((one, other))
    leaves, tree = leaves_of(bench), JournalTree(bench.path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree_module, "_READ_LEAVES", 4)
        for _ in range(2):
            assert tree.root(size) == root_hash(leaves[:size])
            assert tree.consistency_proof(old, size) == consistency_proof(leaves[:size], old)
    with pytest.raises(LedgerError):
        tree.root(41)


def test_a_head_is_signed_once_and_stays_on_record(bench: Bench) -> None:
    note = head(bench)
    lines = {phone.serial: signed(note, phone) for phone in bench.phones}
    bench.ledger.add_stake(bench.phones[0].serial, 1)
    bench.ledger.witnesses.record_cosigned(note, lines)
    assert bench.ledger.witnesses.head_to_cosign() is None
    bench.ledger.add_stake(bench.phones[0].serial, 1)
    assert LogCheckpoint.read(head(bench)).size == LogCheckpoint.read(note).size + 3
    bench.ledger.close()
    report = bench.verify()
    assert report.valid
    assert (report.cosigned_entries, report.witnesses) == (LogCheckpoint.read(note).size, 3)


def test_signatures_of_strangers_or_about_something_else_are_refused(bench: Bench) -> None:
    note, phone = head(bench), bench.phones[0]
    stranger = SigningPhone("stranger")
    with raises_saying(LedgerError, match="does not hold"):
        bench.ledger.witnesses.record_cosigned(note, {phone.serial: signed(note, bench.phones[1])})
    with raises_saying(LedgerError, match="not registered"):
        bench.ledger.witnesses.record_cosigned(note, {stranger.serial: signed(note, stranger)})
    with raises_saying(LedgerError, match="signature each"):
        bench.ledger.witnesses.record_cosigned(note, {})
    bench.ledger.add_stake(phone.serial, 1)
    with raises_saying(LedgerError, match="does not hold"):
        bench.ledger.witnesses.record_cosigned(head(bench), {phone.serial: signed(note, phone)})


def test_a_head_of_another_history_fails_verification(bench: Bench) -> None:
    key, phone = bench.ledger._key, bench.phones[0]
    public = key.public_key().public_bytes_raw()
    told_otherwise = signed_note(LogCheckpoint(public, 2, bytes(32)), key)
    bench.ledger.witnesses.record_cosigned(
        told_otherwise, {phone.serial: signed(told_otherwise, phone)}
    )
    report = bench.verify()
    assert report.problem
    assert "Phones signed another history" in fact_text(report.problem)


def test_a_head_of_another_ledger_or_of_the_future_is_refused(bench: Bench) -> None:
    key, phone = bench.ledger._key, bench.phones[0]
    beyond = signed_note(LogCheckpoint(key.public_key().public_bytes_raw(), 99, bytes(32)), key)
    with raises_saying(LedgerError, match="before there are so many"):
        bench.ledger.witnesses.record_cosigned(beyond, {phone.serial: signed(beyond, phone)})
    stranger = Ed25519PrivateKey.generate()
    other = LogCheckpoint(
        stranger.public_key().public_bytes_raw(), 2, root_hash(leaves_of(bench)[:2])
    )
    note = signed_note(other, stranger)
    bench.ledger.witnesses.record_cosigned(note, {phone.serial: signed(note, phone)})
    assert not bench.verify().valid
