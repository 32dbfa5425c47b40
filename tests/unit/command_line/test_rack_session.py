from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import pytest

from app.command_line.rack_session import RackSession
from app.core.device import DeviceState
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.rack.control import RackControl
from app.rack.snapshot import Phase, PhoneSnapshot, RackSnapshot
from app.words.sentences import error_text, fact_text
from tests.unit.rack.snapshots import EMPTY_RACK

UNKNOWN = Fact("rack.no_such_phone", phone="nope")
AWAY = Fact("phone.unforeseen")


@dataclass(frozen=True)
class StandingRack:
    """A rack that stays as it is."""

    newest: RackSnapshot

    def snapshot(self) -> RackSnapshot:
        return self.newest

    def subscribe(self, _listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        return lambda: None


def phone(position: int, state: DeviceState, reason: Fact | None) -> PhoneSnapshot:
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


def failed(notice: Fact, *phones: PhoneSnapshot) -> RackSession:
    newest = replace(EMPTY_RACK, phase=Phase.FAILED, notices=(notice,), phones=phones)
    return RackSession(cast("RackControl", StandingRack(newest)))


def test_a_failed_rack_names_only_phones_that_have_something_to_tell() -> None:
    session = failed(
        UNKNOWN,
        phone(1, DeviceState.PREPARING, None),
        phone(2, DeviceState.READY, None),
        phone(3, DeviceState.STANDBY, None),
        phone(4, DeviceState.LOST, AWAY),
    )
    with pytest.raises(ShardloomError) as refusal:
        session.wait_until_ready()
    assert error_text(refusal.value) == f"{fact_text(UNKNOWN)} P4: {fact_text(AWAY)}"


def test_a_failed_rack_of_silent_phones_has_one_clear_line() -> None:
    session = failed(UNKNOWN, phone(1, DeviceState.PREPARING, None))
    with pytest.raises(ShardloomError) as refusal:
        session.wait_until_ready()
    assert error_text(refusal.value) == fact_text(UNKNOWN)
