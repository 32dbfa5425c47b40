from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import pytest

from app.command_line.rack_session import RackSession
from app.core.device import DeviceState
from app.core.errors import ShardloomError
from app.core.identifiers import Serial
from app.rack.control import RackControl
from app.rack.snapshot import Phase, PhoneSnapshot, RackSnapshot
from tests.unit.rack.snapshots import EMPTY_RACK


@dataclass(frozen=True)
class StandingRack:
    """A rack that stays as it is."""

    newest: RackSnapshot

    def snapshot(self) -> RackSnapshot:
        return self.newest

    def subscribe(self, _listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        return lambda: None


def phone(position: int, state: DeviceState, reason: str) -> PhoneSnapshot:
    return PhoneSnapshot(
        serial=Serial(f"P{position}"),
        position=position,
        state=state,
        state_reason=reason,
        description=None,
        vitals=None,
        profile=None,
        telemetry=None,
        standing=None,
        transfer=None,
        fault=None,
    )


def failed(notice: str, *phones: PhoneSnapshot) -> RackSession:
    newest = replace(EMPTY_RACK, phase=Phase.FAILED, notice=notice, phones=phones)
    return RackSession(cast("RackControl", StandingRack(newest)))


def test_a_failed_rack_names_only_phones_that_have_something_to_tell() -> None:
    session = failed(
        "There is no model nope.",
        phone(1, DeviceState.PREPARING, ""),
        phone(2, DeviceState.READY, ""),
        phone(3, DeviceState.STANDBY, ""),
        phone(4, DeviceState.LOST, "It went away."),
    )
    with pytest.raises(ShardloomError) as refusal:
        session.wait_until_ready()
    assert str(refusal.value) == "There is no model nope. P4: It went away."


def test_a_failed_rack_of_silent_phones_has_one_clear_line() -> None:
    session = failed("There is no model nope.", phone(1, DeviceState.PREPARING, ""))
    with pytest.raises(ShardloomError) as refusal:
        session.wait_until_ready()
    assert str(refusal.value) == "There is no model nope."
