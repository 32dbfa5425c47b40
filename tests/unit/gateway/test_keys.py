"""Keys are shown once, kept as hashes, and what they may ask for is counted."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from openai import OpenAI
from starlette.requests import Request

from app.core.clock import SystemClock
from app.core.errors import BadInputError, ShardloomError
from app.gateway.access.callers import Caller, Callers
from app.gateway.access.keys import KEYS_FILE, PREFIX, KeyStore
from app.gateway.context import GatewaySettings
from app.gateway.errors import ApiError
from app.gateway.server import Gateway
from app.rack.door.serving import KeyLimits
from app.testing.clocks import ManualClock
from app.words.sentences import sentence
from tests.saying import raises_saying
from tests.unit.gateway.fake_rack import MODEL, FakeRack, serving


@pytest.fixture
def keys(home: Path) -> KeyStore:
    return KeyStore(home, ManualClock())


def asking(key: str | None) -> Request:
    headers = [] if key is None else [(b"authorization", f"Bearer {key}".encode())]
    return Request({"type": "http", "headers": headers})


def test_a_key_is_found_by_itself_and_lies_nowhere(keys: KeyStore, home: Path) -> None:
    key = keys.add("me", KeyLimits(5, None))
    assert key.startswith(PREFIX)
    assert keys.add("you", KeyLimits()) != key
    found = keys.find(key)
    assert found is not None
    assert (found.name, found.limits) == ("me", KeyLimits(5, None))
    for file in home.iterdir():
        assert key.removeprefix(PREFIX).encode() not in file.read_bytes()
    assert stat.S_IMODE((home / KEYS_FILE).stat().st_mode) == 0o600


def test_a_revoked_key_opens_nothing_and_its_name_is_not_given_again(keys: KeyStore) -> None:
    key = keys.add("me", KeyLimits())
    keys.revoke("me")
    assert keys.find(key) is None
    assert not keys.is_valid("me")
    assert [(each.name, each.valid) for each in keys.all()] == [("me", False)]
    for again in (lambda: keys.revoke("me"), lambda: keys.add("me", KeyLimits())):
        with pytest.raises(BadInputError):
            again()


@pytest.mark.parametrize("name", ["", " me", "me\n", "m\x00e", "x" * 65])
def test_a_name_is_one_that_can_be_seen(keys: KeyStore, name: str) -> None:
    with raises_saying(BadInputError, "can be seen"):
        keys.add(name, KeyLimits())


def test_a_file_that_is_no_store_of_keys_is_told_and_lets_nobody_in(
    keys: KeyStore, home: Path
) -> None:
    home.mkdir()
    (home / KEYS_FILE).write_bytes(b"nonsense" * 1000)
    with raises_saying(ShardloomError, "cannot be used"):
        keys.all()
    with pytest.raises(ShardloomError):
        Callers(keys, ManualClock(), keys_needed=False).admit(asking("x"))


def test_keys_made_at_the_same_time_are_all_kept(keys: KeyStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda number: keys.add(f"{number}", KeyLimits()), range(24)))
    assert all(keys.find(key) for key in made)


def test_nobody_is_asked_for_a_key_where_none_was_ever_made(keys: KeyStore) -> None:
    assert Callers(keys, ManualClock(), keys_needed=False).admit(asking(None)).name == ""
    with pytest.raises(ApiError):
        Callers(keys, ManualClock(), keys_needed=True).admit(asking(None))
    keys.add("me", KeyLimits())
    keys.revoke("me")
    with pytest.raises(ApiError):  # who closed the door by a key meant it
        Callers(keys, ManualClock(), keys_needed=False).admit(asking(None))


def test_an_address_that_others_reach_is_not_opened_without_a_key(home: Path) -> None:
    keys = KeyStore(home, SystemClock())
    with raises_saying(BadInputError, "shardloom keys add"):
        Gateway(FakeRack(), keys, GatewaySettings(home, "0.0.0.0", 0), SystemClock())  # noqa: S104


def test_a_port_in_use_is_told(home: Path) -> None:
    with serving(FakeRack(), home) as gateway:
        port = int(gateway.address.rpartition(":")[2])
        settings = GatewaySettings(home, "127.0.0.1", port)
        with raises_saying(BadInputError, "in use"):
            Gateway(FakeRack(), KeyStore(home, SystemClock()), settings, SystemClock())


def test_a_minutes_allowance_fills_up_again_and_debts_are_paid_first(keys: KeyStore) -> None:
    clock = ManualClock()
    key = keys.add("me", KeyLimits(requests_per_minute=2, tokens_per_minute=60))
    callers = Callers(keys, clock, keys_needed=True)

    def waits(caller: Caller) -> float | None:
        try:
            caller.begin()
        except ApiError as error:
            return error.retry_after_s
        return None

    caller = callers.admit(asking(key))
    assert [waits(caller), waits(caller), waits(caller)] == [None, None, 30.0]
    clock.advance(30)
    assert waits(callers.admit(asking(key))) is None
    caller.spend(90)  # it had 60
    assert waits(caller) == pytest.approx(31.0)
    clock.advance(31)
    assert waits(caller) is None


def test_what_was_computed_for_a_key_shortens_the_prompts_of_no_other(
    keys: KeyStore, home: Path
) -> None:
    made = {name: keys.add(name, KeyLimits()) for name in ("me", "you")}
    rack = FakeRack()
    with serving(rack, home) as gateway:
        for key in made.values():
            client = OpenAI(base_url=f"{gateway.address}/v1", api_key=key, max_retries=0)
            client.completions.create(model=rack.model, prompt="And", max_tokens=1)
    assert [each.request.keeper for each in rack.requests.values()] == ["me", "you"]


def test_when_a_key_was_used_last_is_noted_once_a_minute_and_never_in_the_way(
    home: Path, keys: KeyStore
) -> None:
    clock = ManualClock()
    keys = KeyStore(home, clock)
    key = keys.add("me", KeyLimits())
    callers = Callers(keys, clock, keys_needed=True)
    assert keys.all()[0].used_ms is None
    callers.admit(asking(key))
    first = keys.all()[0].used_ms
    assert first == clock.wall_ms()
    clock.advance(30)
    callers.admit(asking(key))
    assert keys.all()[0].used_ms == first
    clock.advance(31)
    with sqlite3.connect(home / KEYS_FILE, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert callers.admit(asking(key)).name == "me"
        other.execute("ROLLBACK")
    assert keys.all()[0].used_ms == first
    callers.admit(asking(key))
    assert keys.all()[0].used_ms == clock.wall_ms()


def test_keys_of_an_earlier_version_go_on_and_learn_when_they_are_used(home: Path) -> None:
    keys = KeyStore(home, ManualClock())
    key = keys.add("me", KeyLimits(5, None))
    with sqlite3.connect(home / KEYS_FILE, isolation_level=None) as earlier:
        earlier.execute("ALTER TABLE keys DROP COLUMN used_ms")
    (found,) = keys.all()
    assert (found.name, found.used_ms) == ("me", None)
    Callers(keys, ManualClock(), keys_needed=True).admit(asking(key))
    assert keys.all()[0].used_ms is not None
    assert keys.add("you", KeyLimits())


def test_what_is_refused_is_kept_with_its_reason_and_key(home: Path) -> None:
    key = KeyStore(home, SystemClock()).add("me", KeyLimits(1, None))
    body = {"model": MODEL, "prompt": "x" * 50_000, "max_tokens": -3}
    with serving(FakeRack(), home) as gateway:
        refused = f"{gateway.address}/v1/completions"
        for given in (key, "sk-nothing"):
            httpx2.post(refused, json=body, headers={"Authorization": f"Bearer {given}"})
        httpx2.get(f"{gateway.address}/metrics", headers={"Authorization": f"Bearer {key}"})
        activity = gateway.activity()
    assert (activity.answered, activity.refused) == (1, 2)
    assert (activity.running, activity.waiting) == (0, 0)
    assert [(each.key, each.status) for each in activity.refusals] == [("me", 400), ("", 401)]
    assert activity.refusals[1].reason.code == "gateway.invalid_api_key"
    assert all(len(sentence(each.reason)) < 1000 for each in activity.refusals)
