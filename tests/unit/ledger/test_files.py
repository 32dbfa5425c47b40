"""Files and keys from outside: refused with one line, and left as they were."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.ledger.entry import FORMAT_VERSION
from app.ledger.journal.verification import verify_ledger
from app.ledger.ledger import Ledger
from app.ledger.views.export import export_ledger, read_snapshot, read_standings
from app.testing.clocks import ManualClock
from tests.saying import raises_saying
from tests.unit.ledger.support import Bench, eventful


def test_a_ledger_of_a_newer_format_is_refused_and_left_untouched(tmp_path: Path) -> None:
    bench = eventful(tmp_path)
    connection = sqlite3.connect(bench.path)
    newer = FORMAT_VERSION + 1
    connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    before = bench.path.read_bytes()
    reason = rf"newer Shardloom \(format {newer}, this one reads up to {FORMAT_VERSION}\)"
    with raises_saying(LedgerError, match=reason):
        bench.open()
    with raises_saying(LedgerError, match=reason):
        export_ledger(bench.path)
    assert not bench.verify().valid
    assert bench.path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database" * 20, b"x", b"SQLite format 3\0" + bytes(99)]
)
def test_another_kind_of_file_is_refused_and_left_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    with raises_saying(LedgerError, match="is not a ledger"):
        Ledger(path, tmp_path / "host.pem", ManualClock())
    assert path.read_bytes() == content
    assert not (tmp_path / "host.pem").exists()


def test_a_ledger_has_one_writer_and_any_number_of_readers(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.register()
    with raises_saying(LedgerError, match="in use by another Shardloom"):
        Ledger(bench.path, bench.key_path, bench.clock)
    assert bench.verify().valid
    assert read_snapshot(bench.path) == bench.ledger.snapshot()
    standings = read_standings(bench.path, bench.clock.wall_ms())
    assert standings == {p.serial: bench.ledger.standing(p.serial) for p in bench.phones}


def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.path.stat().st_mode & 0o777 == 0o600
    assert bench.key_path.stat().st_mode & 0o777 == 0o600
    bench.ledger.close()
    bench.key_path.chmod(0o644)
    with raises_saying(LedgerError, match="chmod 600"):
        bench.open()


def test_a_ledger_whose_key_is_lost_is_not_signed_anew(tmp_path: Path) -> None:
    bench = eventful(tmp_path)
    bench.key_path.unlink()
    with raises_saying(LedgerError, match="cannot be read"):
        bench.open()
    assert not bench.key_path.exists()


def test_a_ledger_signed_with_another_key_is_refused(tmp_path: Path) -> None:
    bench, other = eventful(tmp_path / "one"), Bench(tmp_path / "other")
    bench.key_path.write_bytes(other.key_path.read_bytes())
    with raises_saying(LedgerError, match="not signed with this ledger's key"):
        bench.open()


def test_a_missing_ledger_is_not_made_by_looking_for_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    for look in (lambda: verify_ledger(path, bytes(32)), lambda: export_ledger(path)):
        with raises_saying(LedgerError, match="There is no ledger"):
            look()
    assert not list(tmp_path.iterdir())


def test_the_export_holds_every_entry_the_accounts_and_the_evidence(tmp_path: Path) -> None:
    exported = export_ledger(eventful(tmp_path).path)
    assert exported["head"]["size"] == len(exported["entries"])
    assert sum(int(amount) for amount in exported["accounts"].values()) == 0
    assert [entry["kind"] for entry in exported["evidence"]] == [
        "audit",
        "audit",
        "sharp-test",
        "slashed",
        "audit",
        "sharp-test",
        "canary",
        "canary",
        "canary",
        "slashed",
        "equivocation",
        "slashed",
        "sharp-test",
    ]
    assert exported["evidence"][3]["body"]["evidence"]["deviation"] == "0.5"


def test_the_journal_cannot_be_changed_through_sql(tmp_path: Path) -> None:
    bench = eventful(tmp_path)
    connection = sqlite3.connect(bench.path)
    connection.execute("PRAGMA recursive_triggers = ON")
    for statement in (
        "UPDATE journal SET kind = 'x' WHERE sequence = 2",
        "DELETE FROM journal WHERE sequence = 2",
        "INSERT OR REPLACE INTO journal SELECT 2, 0, '', '', entry_hash, entry_hash FROM journal",
        "DELETE FROM transfers",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|never change"):
            connection.execute(statement)
    connection.close()
    assert bench.verify().valid
