"""Phones of one serial number are told apart; one phone seen in several ways is told once."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.devices.condition.identify import identify
from app.devices.discovery.found_phone import FoundPhone
from app.devices.discovery.twins import Twins

STATES = (DeviceState.FOUND, DeviceState.UNSUITABLE, DeviceState.LOST, DeviceState.UNAUTHORIZED)


def seen(
    place: str, boot: str, state: DeviceState = DeviceState.FOUND, serial: str = "S"
) -> FoundPhone:
    return FoundPhone(Serial(serial), state, None, place, cast(Any, None), boot=boot)


def told(twins: Twins, *phones: FoundPhone) -> list[tuple[str, str]]:
    return [(phone.serial, phone.transport) for phone in twins.one_each(phones)]


def test_two_phones_of_one_serial_number_are_two() -> None:
    twins = Twins()
    both = [("S", "10.0.0.1:5555"), ("S@10.0.0.2:5555", "10.0.0.2:5555")]
    assert told(twins, seen("10.0.0.1:5555", "x"), seen("10.0.0.2:5555", "y")) == both
    lost = seen("10.0.0.1:5555", "x", DeviceState.LOST)
    assert told(twins, lost, seen("10.0.0.2:5555", "y")) == both


def test_one_phone_on_a_cable_and_on_wifi_is_one() -> None:
    assert told(Twins(), seen("server", "x"), seen("10.0.0.1:5555", "x")) == [("S", "server")]
    lost = seen("server", "x", DeviceState.LOST)
    assert told(Twins(), lost, seen("10.0.0.1:5555", "x")) == [("S", "10.0.0.1:5555")]


def test_a_phone_whose_start_one_way_has_not_heard_of_yet_is_one_again_once_it_has() -> None:
    twins = Twins()
    assert len(told(twins, seen("server", "before"), seen("wifi", "after"))) == 2
    assert told(twins, seen("server", "after"), seen("wifi", "after")) == [("S", "server")]


def test_phones_that_do_not_tell_are_taken_for_one_as_their_serial_number_says() -> None:
    assert told(Twins(), seen("server", ""), seen("wifi", "x")) == [("S", "server")]


@given(
    st.lists(
        st.tuples(st.sampled_from("ST"), st.sampled_from("xyz"), st.sampled_from(STATES)),
        max_size=8,
    )
)
def test_each_phone_that_is_there_is_told_once_under_a_name_of_its_own(
    ways: list[tuple[str, str, DeviceState]],
) -> None:
    phones = [
        seen(f"place {number}", boot, state, serial)
        for number, (serial, boot, state) in enumerate(ways)
    ]
    twins = Twins()
    once, again = twins.one_each(phones), twins.one_each(phones)
    names = [phone.serial for phone in once]
    assert len(set(names)) == len(names)
    assert [(phone.serial, phone.place) for phone in once] == [
        (phone.serial, phone.place) for phone in again
    ]
    assert {phone.serial for phone in phones} == {name.partition("@")[0] for name in names}
    there = {(phone.serial, phone.boot) for phone in phones if phone.state is DeviceState.FOUND}
    usable = [phone for phone in once if phone.state is DeviceState.FOUND]
    assert sorted((phone.serial.partition("@")[0], phone.boot) for phone in usable) == sorted(there)


class Shell:
    transport = "10.0.0.1:5555"

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def shell(self, _command: str, _timeout_s: float) -> Any:  # noqa: ANN401
        return type("Result", (), {"stdout": self.answer})()


def test_a_boot_is_known_where_the_phone_tells_it_and_else_not() -> None:
    boot = "0d8a2a9c-7b65-4c5e-9f3a-1c2d3e4f5a6b"
    assert identify(cast(Any, Shell(f"S\narm64-v8a\n{boot}\n")), 1.0).boot == boot
    for other in ("", "Permission denied", boot.upper(), boot + "0"):
        assert identify(cast(Any, Shell(f"S\narm64-v8a\n{other}")), 1.0).boot == ""
