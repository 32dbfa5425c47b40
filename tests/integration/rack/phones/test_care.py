"""How an open rack treats its phones: awake meanwhile, easy to find, started again at need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.core.assets import ASSETS
from app.core.device import DeviceState
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.devices.deployment.care_scripts import BLINKS, LOWEST
from app.placement.problem import Objective
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Apply, Identify, Replan, RestartWorker, SetBalancing
from app.rack.home import Home
from app.rack.service import RackService
from app.rack.snapshot import PhoneSnapshot, RackSnapshot, RequestState
from app.virtual.disturbance import Disturbance
from app.words.sentences import fact_text
from tests.integration.rack.support import (
    HELD,
    finish,
    generate,
    open_named_rack,
    open_virtual_rack,
    paused_before,
    start,
    virtual_phones,
    wait_for,
)
from tests.saying import raises_saying

STAY_AWAKE = "settings-global-stay_on_while_plugged_in"
TOKENS = 20
HOLDS_AGAIN = "holds its layers again"
BRIGHTNESS = "settings-system-screen_brightness"
NOTING_SETTINGS = """#!/bin/sh
echo "$*" >>"$ANDROID_DATA/asked-settings"
exec "$0.real" "$@"
"""


def setting(home: Path, serial: str, name: str) -> str:
    """Return what is set on a virtual phone, nothing where it was never set."""
    file = Home(home).started_phones / serial / "rootfs" / "data" / name
    return file.read_text().strip() if file.exists() else ""


def note_settings(home: Path, serial: str) -> Path:
    """Let a virtual phone note what its settings are asked for; return where."""
    rootfs = Home(home).started_phones / serial / "rootfs"
    program = rootfs / "system" / "bin" / "settings"
    program.rename(program.with_name("settings.real"))
    program.write_text(NOTING_SETTINGS)
    program.chmod(0o755)
    return rootfs / "data" / "asked-settings"


def test_a_phone_shows_itself(rack: RackService, home_of_rack: Path) -> None:
    serial = rack.snapshot().phones[0].serial
    asked = note_settings(home_of_rack, serial)
    rack.do(Identify(serial)).result(60)
    prefix = "put system screen_brightness "
    lines = asked.read_text().splitlines()
    levels = [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
    assert levels == [*["255", "5"] * BLINKS, str(LOWEST)]
    assert setting(home_of_rack, serial, BRIGHTNESS) == str(LOWEST)
    with raises_saying(BadInputError, match="no phone X"):
        rack.do(Identify(Serial("X"))).result(60)


def kill_worker(rack: RackService, serial: Serial) -> None:
    assert rack._rack is not None
    process_id = rack._rack.fleet.phones[serial].worker.process_id
    assert process_id is not None
    psutil.Process(process_id).kill()


def said(snapshot: RackSnapshot, words: str) -> bool:
    return times_said(snapshot, words) > 0


def times_said(snapshot: RackSnapshot, words: str) -> int:
    return sum(words in fact_text(event.fact) for event in snapshot.timeline)


def generate_across_a_death(rack: RackService) -> tuple[tuple[int, ...], PhoneSnapshot]:
    """Kill the second phone's worker in mid-text; return the text, whole all the same, and it."""
    expected = generate(rack, TOKENS).token_ids
    victim = rack.snapshot().phones[1]
    with paused_before(HELD) as pause:
        identifier = start(rack, TOKENS)
        pause.wait()
        kill_worker(rack, victim.serial)
    assert finish(rack, identifier).token_ids == expected
    return expected, victim


def test_a_worker_that_was_killed_is_started_again_and_may_hold_layers(tmp_path: Path) -> None:
    """Where layers move by themselves it gets some without a click."""
    with open_virtual_rack(tmp_path, 3, balancing=Balancing.OFF) as rack:
        expected, victim = generate_across_a_death(rack)
        back = wait_for(rack, lambda snapshot: said(snapshot, "Re-plan to give it layers."))
        assert said(back, "was restarted after")
        assert back.phones[1].state in {DeviceState.READY, DeviceState.WORKING}
        assert back.applied is not None
        assert victim.serial not in back.applied.serials
        rack.do(Replan(Objective.THROUGHPUT, ())).result(60)
        rack.do(Apply()).result(60)
        request = generate(rack, TOKENS)
        assert request.token_ids == expected
        assert request.assignment is not None
        assert victim.serial in request.assignment.serials
        rack.do(SetBalancing(Balancing.ON)).result(60)
        expected, victim = generate_across_a_death(rack)
        wait_for(rack, lambda snapshot: holds_layers(snapshot, victim.serial))
        assert generate(rack, TOKENS).token_ids == expected


def holds_layers(snapshot: RackSnapshot, serial: Serial) -> bool:
    return snapshot.applied is not None and serial in snapshot.applied.serials


def test_the_only_phone_comes_back_and_the_next_request_is_answered(
    rack: RackService,
) -> None:
    expected = generate(rack, 8).token_ids
    kill_worker(rack, rack.snapshot().phones[0].serial)
    wait_for(rack, lambda snapshot: said(snapshot, "was restarted after"))
    assert generate(rack, 8).token_ids == expected


def test_a_request_goes_on_once_the_only_phone_that_can_hold_its_layers_is_back(
    rack: RackService,
) -> None:
    expected = generate(rack, TOKENS).token_ids
    with paused_before(HELD) as pause:
        identifier = start(rack, TOKENS)
        pause.wait()
        kill_worker(rack, rack.snapshot().phones[0].serial)
    request = finish(rack, identifier)
    assert (request.state, request.token_ids) == (RequestState.SETTLED, expected)
    assert request.failovers >= 1


def test_an_idle_rack_waits_for_its_phone_and_gives_it_its_layers_back(
    pair: RackService, home_of_pair: Path
) -> None:
    serials = [phone.serial for phone in pair.snapshot().phones]
    assert [setting(home_of_pair, serial, STAY_AWAKE) for serial in serials] == ["7", "7"]
    before = pair.snapshot().applied
    expected = generate(pair, 20).token_ids
    kill_worker(pair, pair.snapshot().phones[1].serial)
    back = wait_for(pair, lambda snapshot: said(snapshot, HOLDS_AGAIN))
    assert back.applied == before
    request = generate(pair, 20)
    assert (request.token_ids, request.assignment) == (expected, before)
    assert (request.failovers, request.slashes) == (0, 0)


def test_a_worker_is_restarted_at_will_without_losing_a_token(pair: RackService) -> None:
    serial = pair.snapshot().phones[0].serial
    before = pair.snapshot().applied
    expected = generate(pair, TOKENS).token_ids
    known = times_said(pair.snapshot(), HOLDS_AGAIN)
    pair.do(RestartWorker(serial)).result(60)
    wait_for(pair, lambda snapshot: times_said(snapshot, HOLDS_AGAIN) > known)
    assert pair.snapshot().applied == before
    with paused_before(HELD) as pause:
        identifier = start(pair, TOKENS)
        pause.wait()
        restarted = pair.do(RestartWorker(serial))
    assert finish(pair, identifier).token_ids == expected
    restarted.result(60)
    settled = {DeviceState.READY, DeviceState.WORKING}
    wait_for(pair, lambda snapshot: snapshot.phones[0].state in settled)


def test_phones_may_sleep_once_their_rack_is_closed(pair: RackService, home_of_pair: Path) -> None:
    serials = [phone.serial for phone in pair.snapshot().phones]
    pair.close().result(90)
    assert [setting(home_of_pair, serial, STAY_AWAKE) for serial in serials] == ["0", "0"]


def test_after_an_adbd_restart_that_took_the_worker_the_phone_holds_its_layers_again(
    tmp_path: Path,
) -> None:
    file = tmp_path / "rack.toml"
    demo = (ASSETS / "racks" / "demo.toml").read_text().split("[[phones]]")
    phones = [f"{text}adbd_restart_ends_programs = true\n" for text in demo[1:3]]
    file.write_text("[[phones]]".join((demo[0], *phones)))
    with open_named_rack(tmp_path / "home", str(file)) as rack:
        before = rack.snapshot().applied
        expected = generate(rack, 20).token_ids
        serial = rack.snapshot().phones[1].serial
        virtual_phones(rack).disturb(serial, Disturbance.ADBD_RESTART)
        back = wait_for(rack, lambda snapshot: said(snapshot, HOLDS_AGAIN))
        assert back.applied == before
        request = generate(rack, 20)
        assert (request.token_ids, request.assignment, request.slashes) == (expected, before, 0)
        rack.do(Identify(serial)).result(60)


@pytest.fixture(scope="module")
def home_of_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def pair(home_of_pair: Path) -> Iterator[RackService]:
    """Yield a rack of two phones; the last test closes it."""
    with open_virtual_rack(home_of_pair, 2) as opened:
        yield opened


@pytest.fixture(scope="module")
def home_of_rack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def rack(home_of_rack: Path) -> Iterator[RackService]:
    with open_virtual_rack(home_of_rack, 1) as opened:
        yield opened
