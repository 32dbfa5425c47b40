"""How old a snapshot may be: opening replays few entries, however many a commit holds."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.facts import Fact
from app.ledger.entry import Entry, make_entry
from app.ledger.journal import snapshot_writer
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.opening import position_of
from app.ledger.journal.replay import ReplayedLedger
from app.ledger.journal.snapshot_writer import SnapshotWriter
from app.ledger.rules.state import TransactionRecord
from app.ledger.storage.places import open_storage_read_only
from app.ledger.storage.sql import StorageError
from app.ledger.storage.sqlite import SqliteStorage
from tests.unit.ledger.support import Bench
from tests.unit.ledger.test_snapshots import filled

EVERY, MOST = 32, 64
AT_WORK = filled(TransactionRecord)
KEY = Ed25519PrivateKey.generate()


class Writing:
    """A journal that grows by batches, and the snapshots that are written with them."""

    def __init__(self, at_work: int) -> None:
        self.position = ReplayedLedger()
        for number in range(at_work):
            self.position.state.transactions[f"t{number}"] = AT_WORK
        self.writer = SnapshotWriter(KEY, 0, b"")
        self.begun_at = self.covered = 0

    def write(self, entries: int) -> None:
        idle = self.writer._making is None
        snapshot = self.writer.due(self.position, entries)
        if idle and self.writer._making is not None:
            self.begun_at = self.position.state.entries
        if snapshot is not None:
            records = zlib.decompress(snapshot.content.partition(b"\n")[2])
            count = len(list(self.position.state.transactions.at_work()))
            assert len(records.splitlines()) == count
            self.writer.written()
            self.covered = self.begun_at
        self.position.state.entries += entries
        self.position.last = _entry(self.position.state.entries)


def _entry(sequence: int) -> Entry:
    first = make_entry(None, 0, "test", {})
    return Entry(sequence, 0, first.kind, first.body, first.previous_hash, first.entry_hash)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 200), st.lists(st.integers(1, 300), min_size=1, max_size=40))
def test_however_large_batches_are_what_opening_replays_is_bounded(
    at_work: int, batches: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_writer, "EVERY_ENTRIES", EVERY)
        patch.setattr(snapshot_writer, "MOST_ENTRIES", MOST)
        patch.setattr(snapshot_writer, "RECORDS_A_COMMIT", 1)
        writing = Writing(at_work)
        for entries in batches:
            writing.write(entries)
            replayed = writing.position.state.entries - writing.covered
            assert replayed <= MOST + EVERY + 2 * max(batches)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(snapshot_writer, "CLOSING_ENTRIES", 8)
    bench = Bench(tmp_path)
    bench.register()
    return bench


def replayed_at_opening(bench: Bench) -> int:
    storage = open_storage_read_only(bench.place)
    try:
        position = position_of(storage, read_public_key(bench.key_path), lambda _: None)
    finally:
        storage.close()
    return position.state.entries - position.snapshot_entries


@pytest.mark.parametrize("every", [9, 1000])  # the second time one is under way at the end
def test_a_ledger_that_was_closed_opens_without_replaying(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(snapshot_writer, "EVERY_ENTRIES", every)
    monkeypatch.setattr(snapshot_writer, "RECORDS_A_COMMIT", 1)
    for number in range(7):
        bench.begin(f"t{number}")
        bench.sign_all(f"t{number}")
    bench.ledger.close()
    assert replayed_at_opening(bench) == 0
    bench.open()
    bench.ledger.settle(bench.begin("later"), 0)
    bench.ledger.close()
    assert 0 < replayed_at_opening(bench) < 8  # of so few none is made
    assert bench.verify().valid


def test_a_disk_that_takes_no_snapshot_at_the_end_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise StorageError(Fact("storage.full"))

    entries = bench.ledger.snapshot().entries
    for number in range(3):
        bench.begin(f"t{number}")
    with monkeypatch.context() as patch:
        patch.setattr(SqliteStorage, "_write_snapshot", refuse)
        bench.ledger.close()
    assert "left without a new snapshot" in caplog.text
    assert replayed_at_opening(bench) > entries
    assert bench.verify().valid
