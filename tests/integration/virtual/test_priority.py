"""Virtual phones that leave the processor to the window of the program that started them."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from app.devices.links.tcp_link import connect_tcp
from app.rack.phones.started_phones import niceness_of
from app.virtual.limits import priority
from app.virtual.rack import VirtualRack
from tests.integration.devices.rack import key, persona

NICENESS = 3
SERIAL = "NICE-1"

pytestmark = pytest.mark.usefixtures("patient")


def test_a_phone_and_what_it_starts_yield_to_whoever_started_the_phone(tmp_path: Path) -> None:
    expected = os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
    rack = VirtualRack([persona(SERIAL)], tmp_path / "phones", NICENESS)
    (address,) = rack.start()
    try:
        link = connect_tcp(address, key(tmp_path))
        program = link.shell("sleep 600 </dev/null >/dev/null 2>&1 & echo $!").stdout
        assert psutil.Process(rack._phones[SERIAL].process.pid).nice() == expected
        assert psutil.Process(int(program)).nice() == expected
        link.close()
    finally:
        rack.stop()


@pytest.mark.parametrize(("own", "written"), [("nice 3", "3"), ("nice 0", "/autogroup-2 nice 0")])
def test_a_new_session_yields_as_far_as_its_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, written: str
) -> None:
    def file_of(process_id: int) -> Path:
        return tmp_path / str(process_id)

    monkeypatch.setattr(priority, "_of_session", file_of)
    child = os.getpid() + 1
    file_of(os.getpid()).write_text(f"/autogroup-1 {own}")
    file_of(child).write_text("/autogroup-2 nice 0")
    priority.yield_alike(child)
    assert file_of(child).read_text() == written


def test_a_session_that_may_not_be_told_keeps_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priority, "_of_session", lambda _: tmp_path)
    priority.yield_alike(os.getpid())
    priority.yield_processor(2**22 + 1, NICENESS)


def test_only_a_crowd_of_phones_yields_to_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert niceness_of(64) > 0
    assert niceness_of(6) == 0
