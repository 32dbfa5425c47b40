"""A power cut at every boundary between two writes: what was acknowledged is there."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any, cast

import apsw
import pytest

from app.ledger.journal import snapshot_writer
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.storage import places
from app.ledger.storage.sqlite import SqliteStorage
from tests.unit.ledger.power_cuts import LayeredConnection, RecordingLayer, after_cut
from tests.unit.ledger.support import Bench, judged

CUTS = int(os.environ.get("SHARDLOOM_POWER_CUTS", "20"))
"""How many of the boundaries are tried; all of them in `make soak`."""


class _LayeredStorage(SqliteStorage):
    @classmethod
    def open(cls, path: Path) -> _LayeredStorage:
        path.parent.mkdir(parents=True, exist_ok=True)
        storage = cls(cast(Any, LayeredConnection(path)), None)
        storage._run("PRAGMA synchronous = FULL")
        return storage


def _recover(path: Path) -> None:
    """Open it to write, as a control centre does next: SQLite puts right what was under way."""
    storage = SqliteStorage.open(path)
    assert storage.head() is not None
    storage.close()


@pytest.fixture
def layer() -> RecordingLayer:
    return RecordingLayer()


@pytest.mark.parametrize("torn", [False, True], ids=["lost", "torn"])
def test_every_acknowledged_entry_is_there_after_a_power_cut_at_any_write(
    tmp_path: Path, layer: RecordingLayer, monkeypatch: pytest.MonkeyPatch, *, torn: bool
) -> None:
    monkeypatch.setattr(places, "SqliteStorage", _LayeredStorage)
    monkeypatch.setattr(snapshot_writer, "EVERY_ENTRIES", 8)
    bench = Bench(tmp_path / "written")
    begun = len(layer.events)
    marks = [(begun, 1)]
    bench.register()
    marks.append((len(layer.events), bench.ledger.snapshot().entries))
    for turn in range(6):
        bench.begin(f"t{turn}")
        bench.sign_all(f"t{turn}")
        bench.ledger.settle(bench.begin(f"s{turn}"), 0)
        marks.append((len(layer.events), bench.ledger.snapshot().entries))
    monkeypatch.undo()
    pick = random.Random(7)  # noqa: S311 - not for secrets
    boundaries = range(begun, len(layer.events) + 1)
    for length in sorted(pick.sample(boundaries, min(CUTS, len(boundaries)))):
        place = tmp_path / f"{length}"
        place.mkdir()
        after_cut(layer.events, length, place, pick if torn else None)
        acknowledged = [entries for at, entries in marks if at <= length]
        _recover(place / bench.path.name)
        report = verify_ledger(place / bench.path.name, read_public_key(bench.key_path), judged)
        assert report.valid, (length, report.problem)
        assert report.entries >= max(acknowledged), length


def test_without_syncs_a_power_cut_does_lose_what_was_acknowledged(
    tmp_path: Path, layer: RecordingLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "SqliteStorage", _LayeredStorage)
    bench = Bench(tmp_path / "written")
    bench.register()
    monkeypatch.undo()
    unsynced = [event for event in layer.events if event.kind != "sync"]
    after_cut(unsynced, len(unsynced), tmp_path, None)
    assert (tmp_path / bench.path.name).read_bytes() == b""
    assert apsw.sqlite_lib_version()
