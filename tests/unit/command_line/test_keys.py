"""`shardloom keys`: made and shown once, listed without what opens the door, revoked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.core.clock import SystemClock
from app.gateway.access.keys import KeyStore
from app.rack.home import Home


def keys(home: Path, *words: str) -> int:
    return main(["keys", *words, "--home", str(home)])


def test_a_key_is_printed_once_and_opens_until_it_is_revoked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys(home, "add", "laptop", "--requests-per-minute", "60") == 0
    key = capsys.readouterr().out.strip()
    store = KeyStore(Home(home).keys, SystemClock())
    found = store.find(key)
    assert found is not None
    assert (found.name, found.limits.requests_per_minute) == ("laptop", 60)
    assert keys(home, "list") == 0
    listed = capsys.readouterr().out
    assert "laptop" in listed
    assert key not in listed
    assert keys(home, "revoke", "laptop") == 0
    assert store.find(key) is None
    capsys.readouterr()
    assert keys(home, "list", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["keys"]
    assert told["revoked_ms"] >= told["created_ms"]


def test_a_name_that_is_taken_or_unknown_is_told_in_a_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys(home, "add", "laptop", "--json") == 0
    assert keys(home, "add", "laptop") == 1
    assert keys(home, "revoke", "phone") == 1
    lines = capsys.readouterr().err.splitlines()
    assert ["laptop already" in lines[0], "no key phone" in lines[1]] == [True, True]
