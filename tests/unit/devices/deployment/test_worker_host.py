"""What a phone says of whom it works for is read as a stranger's word."""

from __future__ import annotations

import json

import pytest

from app.devices.deployment.worker_host import WorkerHost

KEY = "0f" * 32
ODD_TIMES: tuple[object, ...] = (None, True, "1", 1.5, [1], {}, 10**30, float("nan"))
ODD_KEYS: tuple[object, ...] = (None, 1, "", "0f", "0F" * 32, [KEY])
ODD_NAMES: tuple[object, ...] = (None, 1, ["ann"])


def told(**changed: object) -> str:
    return json.dumps({"key": KEY, "name": "ann@bench", "since_s": 1_700_000_000, **changed})


def test_a_host_is_read_as_it_was_written() -> None:
    host = WorkerHost(KEY, "ann@bench", 1_700_000_000)
    assert WorkerHost.from_json(host.to_json()) == host


@pytest.mark.parametrize(
    "text",
    [
        *(told(since_s=odd) for odd in ODD_TIMES),
        *(told(key=odd) for odd in ODD_KEYS),
        *(told(name=odd) for odd in ODD_NAMES),
        *("", "null", "[]", "{}", "1", '"host"', "[" * 1000, told()[:-1]),
    ],
)
def test_what_is_no_host_is_nobody(text: str) -> None:
    assert WorkerHost.from_json(text) is None


def test_a_name_is_shown_without_what_moves_the_cursor_and_no_longer_than_a_line() -> None:
    host = WorkerHost.from_json(told(name="ann\x1b[2J\n" + "n" * 500))
    assert host is not None
    assert host.name == ("ann[2J" + "n" * 500)[:80]
