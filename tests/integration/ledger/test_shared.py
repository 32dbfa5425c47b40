"""Control centres that share a ledger in PostgreSQL: one writes, none loses or forks anything."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import psycopg
import pytest

from app.core.errors import LedgerError
from app.ledger.entry import EntryKind, make_entry
from app.ledger.journal.keys import create_key, public_bytes, read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.ledger import Ledger
from app.ledger.rules.state import State
from app.ledger.rules.transitions import change_of
from app.ledger.storage.addresses import DatabasePlace
from app.ledger.storage.places import open_storage_read_only
from app.ledger.storage.postgres import PostgresStorage
from app.ledger.views.export import export_ledger
from tests.postgres import PostgresServer
from tests.saying import raises_saying
from tests.unit.ledger.support import Bench


class Shared:
    """A ledger of two control centres, each with a key of its own."""

    def __init__(self, folder: Path, place: DatabasePlace) -> None:
        self.place = place
        self.first, self.second = (
            Bench(folder / "first", place=place),
            Bench.__new__(Bench),
        )
        self.first.register()
        self.second.__dict__.update(self.first.__dict__)
        self.second.key_path = folder / "second" / "host.pem"
        self.second_key = public_bytes(create_key(self.second.key_path))

    def verifies(self, bench: Bench) -> int:
        report = verify_ledger(self.place, read_public_key(bench.key_path))
        assert report.valid, report.problem
        return report.entries


@pytest.fixture
def shared(tmp_path: Path, server: PostgresServer) -> Shared:
    return Shared(tmp_path, server.new_place(tmp_path / "evidence"))


def _expire(place: DatabasePlace) -> None:
    """Let the lease run out, as time does where its holder is dead."""
    with psycopg.connect(place.address, autocommit=True) as connection:
        connection.execute("UPDATE lease SET until = clock_timestamp()")


def _die(ledger: Ledger) -> None:
    """Leave as a process that is killed: the lease is not given back."""
    store = ledger._store
    assert isinstance(store, PostgresStorage)
    store._connection.close()


def test_a_key_that_was_not_admitted_cannot_take_over(shared: Shared) -> None:
    shared.first.ledger.close()
    with raises_saying(LedgerError, match=f"does not admit the key {shared.second_key.hex()}"):
        shared.second.open()


def test_who_takes_over_goes_on_under_its_own_key_and_both_keys_verify(shared: Shared) -> None:
    phone = shared.first.phones[0].serial
    shared.first.ledger.writers.admit(shared.second_key)
    shared.first.begin("t")
    shared.first.ledger.close()
    second = shared.second.open()
    assert second.host_key == shared.second_key
    second.add_stake(phone, 5)
    second.close()
    shared.first.open().add_stake(phone, 5)
    shared.first.ledger.close()
    kinds = [entry["kind"] for entry in export_ledger(shared.place)["entries"]]
    assert kinds.count(EntryKind.WRITER_CHANGED) == 2
    assert shared.verifies(shared.first) == shared.verifies(shared.second) == len(kinds)


def test_who_lost_the_lease_writes_nothing_more(shared: Shared) -> None:
    phone, ledger = shared.first.phones[0].serial, shared.first.ledger
    ledger.writers.admit(shared.second_key)
    _expire(shared.place)
    ledger.add_stake(phone, 5)  # nobody took it meanwhile
    _expire(shared.place)
    second = shared.second.open()
    before = shared.verifies(shared.second)
    for _ in range(2):
        with raises_saying(LedgerError, match="another Shardloom took over"):
            ledger.add_stake(phone, 5)
        with raises_saying(LedgerError, match="another Shardloom took over"):
            ledger.writers.hold()
    second.add_stake(phone, 5)
    assert shared.verifies(shared.second) == before + 1


def test_two_that_die_and_return_at_random_lose_nothing_and_fork_nothing(shared: Shared) -> None:
    pick = random.Random(5)  # noqa: S311 - not for secrets
    shared.first.ledger.writers.admit(shared.second_key)
    benches, acknowledged = [shared.first, shared.second], {}
    writer, dead = 0, list[Ledger]()
    for turn in range(24):
        bench = benches[writer]
        for _ in range(pick.randrange(3)):
            bench.ledger.add_stake(bench.phones[0].serial, 1 + turn)
            snapshot = bench.ledger.snapshot()
            acknowledged[snapshot.entries] = snapshot.head_hash
        if pick.random() < 0.5:
            _die(bench.ledger)
            with raises_saying(LedgerError, match="written by another"):
                benches[1 - writer].open()
            _expire(shared.place)
        elif pick.random() < 0.5:
            dead.append(bench.ledger)  # it lives on without knowing that its time is over
            _expire(shared.place)
        else:
            bench.ledger.close()
        writer = pick.randrange(2)
        benches[writer].open()
        for late in dead:
            with pytest.raises(LedgerError):
                late.add_stake(bench.phones[0].serial, 1)
    entries = export_ledger(shared.place)["entries"]
    assert (
        acknowledged.items() <= {each["sequence"]: each["entry_hash"] for each in entries}.items()
    )
    assert shared.verifies(shared.first) == len(entries)


def test_a_server_that_goes_away_in_mid_append_loses_and_doubles_nothing(
    tmp_path: Path, server: PostgresServer
) -> None:
    bench = Bench(tmp_path, place=server.new_place(tmp_path / "evidence"))
    bench.register()
    acknowledged, refused = dict[int, str](), list[LedgerError]()
    stop = time.monotonic() + 1.0
    killer = threading.Timer(0.3, server.kill)
    killer.start()
    while time.monotonic() < stop:
        try:
            bench.ledger.add_stake(bench.phones[0].serial, 1)
        except LedgerError as error:
            refused.append(error)
            time.sleep(0.02)  # as long as the server is away
        else:
            snapshot = bench.ledger.snapshot()
            acknowledged[snapshot.entries] = snapshot.head_hash
    killer.join()
    server.start()
    assert refused
    assert all(error.fact.mentions_code("storage.gone") for error in refused)
    bench.ledger.add_stake(bench.phones[0].serial, 1)
    entries = export_ledger(bench.place)["entries"]
    assert (
        acknowledged.items() <= {each["sequence"]: each["entry_hash"] for each in entries}.items()
    )
    assert len(entries) <= max(acknowledged) + 2
    assert bench.verify().valid


def test_a_follower_hears_of_every_commit(shared: Shared) -> None:
    follower = open_storage_read_only(shared.place)
    assert isinstance(follower, PostgresStorage)
    follower.listen()
    assert not follower.wait_for_news(0)
    shared.first.ledger.add_stake(shared.first.phones[0].serial, 1)
    assert follower.wait_for_news(5)
    follower.close()


def test_a_database_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    place = DatabasePlace(f"postgresql://user:secret@/nothing?host={tmp_path}", tmp_path)
    with raises_saying(LedgerError, match="cannot be opened: the database does not answer") as told:
        Ledger(place, tmp_path / "key.pem", Bench(tmp_path / "other").clock)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("change", ["signature", "head", "key"])
def test_a_take_over_that_is_not_signed_by_both_is_refused(shared: Shared, change: str) -> None:
    shared.first.ledger.writers.admit(shared.second_key)
    shared.first.ledger.close()
    shared.second.open().close()
    state, storage = State(), open_storage_read_only(shared.place)
    with storage.consistent_read():
        entries = list(storage.entries())
    storage.close()
    for entry in entries:
        if entry.kind == EntryKind.WRITER_CHANGED:
            fields = {**entry.fields()}
            if change == "head":
                fields["head"] = {**fields["head"], "root": "00" * 32}
            elif change == "key":
                fields["key"] = state.host_key.hex()
            else:
                fields["signature"] = "00" * 64
            previous = entries[entry.sequence - 2]
            forged = make_entry(previous, entry.wall_ms, entry.kind, fields)
            with pytest.raises(LedgerError):
                change_of(state, forged)
            break
        state.absorb(change_of(state, entry))
    assert state.entries == len(entries) - 1
