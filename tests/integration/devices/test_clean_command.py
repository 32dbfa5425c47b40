"""`shardloom devices clean` on virtual phones that have worked before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.devices.deployment.phone_scripts import BASE_FOLDER
from app.rack.home import Home, HomeLock
from app.rack.phones import cleaning

PATIENCE_S = 60.0


def left_behind(home: Path) -> list[Path]:
    return list(Home(home).started_phones.glob(f"*/rootfs{BASE_FOLDER}"))


@pytest.mark.usefixtures("patient")
def test_phones_that_worked_are_left_without_anything_of_ours(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "SEARCH_S", PATIENCE_S)
    rack = ("--rack", "virtual:2", "--home", str(home))
    assert main(["run", "demo", *rack, "--prompt", "In", "--tokens", "2"]) == 0
    assert len(left_behind(home)) == 2
    capsys.readouterr()
    assert main(["devices", "clean", *rack, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["devices"]
    assert len(told) == 2
    assert all(phone["cleaned"] and phone["removed_bytes"] > 1_000_000 for phone in told)
    assert left_behind(home) == []
    assert main(["devices", "clean", *rack]) == 0
    assert capsys.readouterr().out.count("nothing of Shardloom was there.") == 2


def test_a_rack_in_use_is_not_cleaned(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Home(home).prepare()
    lock = HomeLock(Home(home))
    lock.acquire()
    try:
        assert main(["devices", "clean", "--rack", "virtual:1", "--home", str(home)]) == 1
    finally:
        lock.release()
    assert "Another Shardloom is using" in capsys.readouterr().err


def test_a_phone_that_cannot_be_reached_is_named_with_the_reason(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "SEARCH_S", 0.0)
    assert main(["devices", "clean", "--rack", "127.0.0.1:1", "--home", str(home)]) == 1
    assert "127.0.0.1:1: not cleaned. " in capsys.readouterr().out
