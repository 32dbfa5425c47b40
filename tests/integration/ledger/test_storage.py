"""One suite over both places that a ledger is kept in: a file, and PostgreSQL."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import RequestId, Serial
from app.ledger.group_commit import commit_together
from app.ledger.journal import snapshot_writer
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.tree import JournalTree
from app.ledger.journal.verification import verify_ledger
from app.ledger.ledger import Ledger
from app.ledger.rules.accounts import Posting
from app.ledger.storage.addresses import LedgerPlace
from app.ledger.storage.places import open_storage_read_only
from app.ledger.storage.sql import StoredBatch
from app.ledger.views.export import export_ledger, read_snapshot
from app.ledger.views.journal_page import JournalSearch, SearchTerm
from app.ledger.views.pages import read_page
from app.ledger.views.request_record import read_request_record
from app.testing.clocks import ManualClock
from tests.saying import raises_saying
from tests.unit.ledger.support import Bench, eventful, judged


def test_an_eventful_ledger_verifies_and_goes_on(tmp_path: Path, place: LedgerPlace) -> None:
    bench = eventful(tmp_path, place)
    before = bench.verify()
    assert before.valid, before.problem
    bench.open()
    bench.ledger.add_stake(bench.phones[0].serial, 1)
    bench.ledger.close()
    after = bench.verify()
    assert after.valid
    assert after.entries == before.entries + 1


def test_readers_see_the_same_wherever_it_is_kept(tmp_path: Path, place: LedgerPlace) -> None:
    bench, plain = eventful(tmp_path, place), eventful(tmp_path / "plain")
    kept, other = export_ledger(place), export_ledger(plain.path)
    assert [each["kind"] for each in kept["entries"]] == [each["kind"] for each in other["entries"]]
    assert kept["accounts"] == other["accounts"]
    newest = read_page(place, None, 5)
    assert [row.sequence for row in newest.rows] == list(
        range(len(kept["entries"]) - 4, len(kept["entries"]) + 1)
    )
    found = read_page(place, None, 50, JournalSearch((SearchTerm("WRONG OUTPUT", ("jailed",)),)))
    assert {"audit", "jailed"} <= {row.kind for row in found.rows}
    digest = kept["entries"][3]["entry_hash"][:12]
    search = JournalSearch((SearchTerm(digest),))
    assert [row.sequence for row in read_page(place, None, 9, search).rows] == [4]
    assert read_snapshot(place).entries == len(kept["entries"])
    assert read_request_record(place, RequestId("request")) == []
    size = kept["head"]["size"]
    assert JournalTree(place).root(size).hex() == kept["head"]["root"]
    assert bench.verify().valid


def _stake(serial: Serial, ledger: Ledger) -> None:
    ledger.add_stake(serial, 5)


def test_a_group_counts_but_for_what_a_rule_refuses(tmp_path: Path, place: LedgerPlace) -> None:
    bench = Bench(tmp_path, place=place)
    bench.register()
    serials = [bench.phones[0].serial, Serial("nobody"), bench.phones[1].serial]
    outcomes = commit_together(bench.ledger, [partial(_stake, each) for each in serials])
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert bench.verify().valid


def test_a_snapshot_opens_to_the_same_state(
    tmp_path: Path, place: LedgerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_writer, "EVERY_ENTRIES", 7)
    bench = eventful(tmp_path, place)
    resumed = bench.open()
    with_snapshot, position = resumed.snapshot(), resumed._journal._position
    assert position.snapshot_entries > 7
    resumed._store.close()
    monkeypatch.setattr("app.ledger.journal.opening.resumed", lambda *_: None)
    full = bench.open()
    assert full.snapshot() == with_snapshot
    state, whole = position.state, full._journal._position.state
    assert dict(state.transactions) == dict(whole.transactions)
    for name in vars(whole).keys() - {"transactions", "transfers"}:
        assert getattr(state, name) == getattr(whole, name), name
    assert len(state.transfers) == len(whole.transfers)
    assert all(each.id in state.transfers for _, each in _transfers(place))
    full.close()


def _transfers(place: LedgerPlace) -> list[tuple[int, Posting]]:
    storage = open_storage_read_only(place)
    try:
        with storage.consistent_read():
            return list(storage.transfers())
    finally:
        storage.close()


def test_a_backup_taken_while_it_is_open_verifies_by_itself(
    tmp_path: Path, place: LedgerPlace
) -> None:
    bench = Bench(tmp_path, place=place)
    bench.register()
    copy = tmp_path / "copy.sqlite"
    storage = open_storage_read_only(place)
    storage.back_up(copy)
    with raises_saying(LedgerError, match="is there already"):
        storage.back_up(copy)
    with raises_saying(LedgerError, match="could not be written: No such file"):
        storage.back_up(tmp_path / "nowhere" / "copy.sqlite")
    storage.close()
    assert [path.name for path in tmp_path.glob("*copy*")] == [copy.name]
    bench.ledger.add_stake(bench.phones[0].serial, 1)
    report = verify_ledger(copy, read_public_key(bench.key_path), judged)
    assert report.valid, report.problem
    assert report.entries == bench.ledger.snapshot().entries - 1


def test_a_second_writer_is_refused_in_one_line(tmp_path: Path, place: LedgerPlace) -> None:
    bench = Bench(tmp_path, place=place)
    with raises_saying(LedgerError, match="in use by another|written by another"):
        Ledger(place, bench.key_path, ManualClock())


def test_what_is_written_cannot_be_changed(tmp_path: Path, place: LedgerPlace) -> None:
    bench = Bench(tmp_path, place=place)
    bench.register()
    store = bench.ledger._store
    for statement in ("UPDATE journal SET kind = 'x'", "DELETE FROM transfers"):
        with pytest.raises(Exception, match=r"append-only|never"), store.transaction():
            store._run(statement)
    assert bench.verify().valid


def test_a_batch_that_does_not_fit_leaves_nothing(tmp_path: Path, place: LedgerPlace) -> None:
    bench = Bench(tmp_path, place=place)
    bench.register()
    store = bench.ledger._store
    last, head = store.entries_before(None, 1)[0], store.head()
    assert head is not None
    with pytest.raises(Exception, match=r"storage\."):
        store.append(StoredBatch([last], head, balances={"treasury": 5}))
    assert store.head_after_failure() == head
    bench.ledger.add_stake(bench.phones[0].serial, 1)
    assert bench.verify().valid
