"""How discovery begins: one look after another, none waiting long for the one before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from app.devices.adb.keys import host_key
from app.devices.discovery import discovery
from app.devices.discovery.discovery import Discovery
from app.devices.discovery.found_phone import FoundPhone, Watch
from app.rack.phones.rack_file import RackDefinition

TIMEOUT_S = 60.0


class RecordedWatch(Watch):
    """Finds nothing, and only once `let`; notes when it begins and ends."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__()
        self._notes = notes
        self.let = threading.Event()

    @property
    def phones(self) -> tuple[FoundPhone, ...]:
        return ()

    def start(self, pool: Executor) -> None:
        self._notes.append("begins")
        super().start(pool)

    def close(self) -> None:
        pass

    def _look(self) -> None:
        assert self.let.wait(TIMEOUT_S)
        self._notes.append("ends")


class WaitedWatch(RecordedWatch):
    """Let by whoever waits for it."""

    def wait(self, timeout_s: float) -> None:
        self.let.set()
        super().wait(timeout_s)


class HelpfulWatch(RecordedWatch):
    """Needs no leave and gives it to another."""

    def __init__(self, notes: list[str], other: RecordedWatch) -> None:
        super().__init__(notes)
        self._other = other

    def _look(self) -> None:
        self._notes.append("helps")
        self._other.let.set()


@pytest.fixture
def nowhere(tmp_path: Path) -> Iterator[Discovery]:
    definition = RackDefinition("test", use_all=True, audit_rate=1.0)
    found = Discovery(definition, host_key(tmp_path / "keys", tmp_path))
    yield found
    found.close()


def test_the_first_looks_come_one_after_another(
    nowhere: Discovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "HEAD_START_S", TIMEOUT_S)
    notes: list[str] = []
    nowhere._watches = [WaitedWatch(notes) for _ in range(3)]
    nowhere.poll()
    assert notes == ["begins", "ends"] * 3


def test_a_look_that_takes_long_holds_up_no_other(nowhere: Discovery) -> None:
    notes: list[str] = []
    long = RecordedWatch(notes)
    nowhere._watches = [long, HelpfulWatch(notes, long)]
    nowhere.poll()
    nowhere.close()
    assert notes == ["begins", "begins", "helps", "ends"]
