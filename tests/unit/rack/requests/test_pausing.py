"""Too few phones: requests wait together with the reason, go on, are cancelled or give up."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import DoesNotFitError
from app.core.identifiers import RequestId
from app.rack.layers.spans import Applied
from app.rack.requests.pausing import LOOK_AGAIN_S, Pausing
from app.rack.requests.request import Request
from app.rack.requests.workplace import Workplace
from app.rack.snapshot import RequestState
from app.testing.virtual_time import LoopClock, run_in_virtual_time
from app.words.sentences import reason_text
from workers.protocol.sampling_rule import SamplingRule

APPLIED = cast(Applied, SimpleNamespace())


class Rack:
    """An assigner that finds too few phones until some moment, and a fleet that tells of news."""

    def __init__(self, limit_s: float, enough_at_s: float, *, told: bool) -> None:
        self.clock = LoopClock()
        self.joined = self.plans = 0
        self._enough_at_s = enough_at_s
        self._news = asyncio.Event()
        self._told = told
        self.workplace = cast(
            Workplace,
            SimpleNamespace(
                fleet=self,
                assigner=self,
                clock=self.clock,
                pause_limit_s=limit_s,
                changed=lambda: None,
            ),
        )

    def pausing(self) -> Pausing:
        request = Request(RequestId("r"), "", (1,), 3, frozenset(), SamplingRule(), None, 0.0)
        return Pausing(request, self.workplace)

    async def current(self) -> Applied:
        self.plans += 1
        if self.clock.monotonic_s() < self._enough_at_s:
            raise DoesNotFitError("layers.phone_lacks", phone="toy", size=12e6)
        return APPLIED

    async def wait_until_joined(self, after: int, limit_s: float) -> None:
        assert after == self.joined
        left_s = self._enough_at_s - self.clock.monotonic_s()
        if self._told and 0 < left_s < limit_s:
            await self.clock.sleep(max(left_s, 1e-3))
            self.joined += 1
        else:
            await self.clock.sleep(limit_s)


async def waited(rack: Rack) -> tuple[float, RequestState, str]:
    pausing = rack.pausing()
    assert await pausing.applied() is APPLIED
    return (
        rack.clock.monotonic_s(),
        pausing.request.state,
        reason_text(pausing.request.state_reason),
    )


@given(st.floats(0.01, 500.0), st.booleans())
def test_a_request_goes_on_as_soon_as_phones_suffice(enough_at_s: float, told: bool) -> None:  # noqa: FBT001
    went_on_s, state, reason = run_in_virtual_time(waited(Rack(600.0, enough_at_s, told=told)))
    late_s = went_on_s - enough_at_s
    assert -1e-6 < late_s <= (2e-3 if told else LOOK_AGAIN_S)
    assert state is RequestState.PAUSED
    assert "needs 12.0 MB more" in reason


@given(st.floats(0.0, 500.0))
def test_a_request_gives_up_with_the_reason_once_its_time_is_over(limit_s: float) -> None:
    async def scene() -> float:
        rack = Rack(limit_s, 1e9, told=False)
        with pytest.raises(DoesNotFitError):
            await waited(rack)
        return rack.clock.monotonic_s()

    assert run_in_virtual_time(scene()) == pytest.approx(limit_s, abs=0.02)


def test_pauses_add_up_until_a_request_comes_further() -> None:
    async def scene() -> float:
        rack = Rack(10.0, 8.0, told=True)
        pausing = rack.pausing()
        await pausing.applied()
        rack._enough_at_s = 1e9
        pausing.came_further()
        with pytest.raises(DoesNotFitError):
            await pausing.applied()
        return rack.clock.monotonic_s()

    assert run_in_virtual_time(scene()) == pytest.approx(18.0)


def test_a_request_that_pauses_is_stopped_at_once() -> None:
    async def scene() -> float:
        rack = Rack(600.0, 1e9, told=False)
        task = asyncio.ensure_future(waited(rack))
        await rack.clock.sleep(7.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return rack.clock.monotonic_s()

    assert run_in_virtual_time(scene()) == pytest.approx(7.0)
