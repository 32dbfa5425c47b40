"""Fixed groups of slots: who waits for whom, and which slots belong together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import TransactionId
from app.core.nursery import Nursery
from app.pipeline.groups import ComputeAndHop, DecodeGroup, group_count
from app.pipeline.slots import Seat, SlotPool
from app.pipeline.worker_client import WorkerClient
from app.testing.clocks import ManualClock
from workers.protocol.step_message import StepRow


class RecordingClient:
    """Stands where the first stage's connection is: keeps what would be sent."""

    def __init__(self) -> None:
        self.sent: list[list[tuple[str, int]]] = []
        self.ahead: list[set[int]] = []

    async def send_step(self, rows: Sequence[StepRow], tokens: np.ndarray) -> None:
        sent = [(row.transaction, int(token)) for row, (token,) in zip(rows, tokens, strict=True)]
        self.sent.append(sent)
        self.ahead.append({row.ahead for row in rows})


def a_nursery() -> Nursery:
    return Nursery(ManualClock())


def a_group() -> tuple[DecodeGroup, RecordingClient]:
    client = RecordingClient()
    return DecodeGroup(cast(WorkerClient, client), a_nursery()), client


def post(group: DecodeGroup, name: str, token: int, ahead: int = 0) -> asyncio.Task[None]:
    row = StepRow(name, 0, 0, wants_token=True, generated=1, ahead=ahead)
    return asyncio.create_task(group.send(TransactionId(name), row, (token,), lambda: None))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_step_leaves_once_every_member_has_a_row() -> None:
    group, client = a_group()
    for name in "ab":
        group.join(TransactionId(name))
    first = post(group, "a", 1)
    await settle()
    assert client.sent == []
    await asyncio.gather(first, post(group, "b", 2))
    assert client.sent == [[("a", 1), ("b", 2)]]


async def test_the_ring_goes_on_as_far_as_every_member_allows() -> None:
    group, client = a_group()
    for name in "ab":
        group.join(TransactionId(name))
    await asyncio.gather(post(group, "a", 1, ahead=7), post(group, "b", 2, ahead=3))
    assert client.ahead == [{3}]


async def test_the_others_go_on_without_one_that_leaves() -> None:
    group, client = a_group()
    for name in "abc":
        group.join(TransactionId(name))
    waiting = [post(group, "a", 1), post(group, "b", 2)]
    await settle()
    group.leave(TransactionId("c"))
    await asyncio.gather(*waiting)
    assert client.sent == [[("a", 1), ("b", 2)]]


async def test_a_row_of_a_cancelled_member_is_never_sent() -> None:
    group, client = a_group()
    for name in "ab":
        group.join(TransactionId(name))
    cancelled = post(group, "a", 1)
    await settle()
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await post(group, "b", 2)
    assert client.sent == [[("b", 2)]]


async def test_one_that_joins_is_waited_for_from_the_next_step_on() -> None:
    group, client = a_group()
    group.join(TransactionId("a"))
    await post(group, "a", 1)
    group.join(TransactionId("b"))
    second = post(group, "a", 3)
    await settle()
    assert len(client.sent) == 1
    await asyncio.gather(second, post(group, "b", 4))
    assert client.sent[1] == [("a", 3), ("b", 4)]


@pytest.mark.parametrize(
    ("stages", "slots", "expected"),
    [
        ([(1.0, 0.0)] * 4, 16, 4),
        ([(1.0, 0.5)] * 4, 16, 6),
        ([(1.0, 9.0)] * 2, 16, 16),
        ([(1.0, 0.1)], 16, 2),
        ([(1.0, 0.0)] * 4, 2, 2),
    ],
)
def test_there_are_as_many_groups_as_keep_every_stage_busy(
    stages: Sequence[tuple[float, float]], slots: int, expected: int
) -> None:
    assert group_count([ComputeAndHop(*stage) for stage in stages], slots) == expected


@given(st.integers(1, 40), st.data())
def test_every_group_owns_neighbouring_slots_and_the_emptiest_is_filled_first(
    slots: int, data: st.DataObject
) -> None:
    groups = data.draw(st.integers(1, slots))

    async def take_all() -> list[Seat]:
        pool = SlotPool(slots, groups, cast(WorkerClient, RecordingClient()), a_nursery())
        return [await pool.take() for _ in range(slots)]

    seats = asyncio.run(take_all())
    assert sorted(seat.slot for seat in seats) == list(range(slots))
    assert len({id(seat.group) for seat in seats[:groups]}) == groups
    for group in {id(seat.group) for seat in seats}:
        own = sorted(seat.slot for seat in seats if id(seat.group) == group)
        assert own == list(range(own[0], own[-1] + 1))


async def test_a_taken_slot_is_waited_for_and_an_unused_pool_says_so() -> None:
    pool = SlotPool(1, 1, cast(WorkerClient, RecordingClient()), a_nursery())
    await pool.wait_until_unused()
    seat = await pool.take()
    waiting = asyncio.create_task(pool.take())
    await settle()
    assert not waiting.done()
    pool.give_back(seat)
    again = await waiting
    pool.give_back(again)
    await pool.wait_until_unused()
    assert again.slot == seat.slot


async def test_seats_taken_after_a_renewal_decode_through_the_new_connection() -> None:
    old, new = RecordingClient(), RecordingClient()
    pool = SlotPool(2, 1, cast(WorkerClient, old), a_nursery())
    before = await pool.take()
    pool.renew(cast(WorkerClient, new))
    after = await pool.take()
    assert before.group is not after.group
    after.group.join(TransactionId("a"))
    await post(after.group, "a", 1)
    assert (old.sent, new.sent) == ([], [[("a", 1)]])
    pool.give_back(before)
    assert (await pool.take()).group is after.group
