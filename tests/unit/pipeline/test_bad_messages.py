"""Thousands of messages with something wrong in them change nothing in the host."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import tracemalloc
from collections.abc import Sequence

import pytest

from app.pipeline.mailbox import Mailbox
from app.pipeline.worker_client import WorkerClient
from app.testing.clocks import ManualClock
from tests.bad_messages import CASES, HEARTBEAT, SEED, UNASKED, called, spoiled
from tests.unit.pipeline.test_worker_client import (
    TRANSACTION,
    Peer,
    answered_call,
    client,
    peer,
    until,
)
from workers.protocol.codec import encode

__all__ = ["client", "peer"]
AT_ONCE = 100
MAXIMUM_GROWTH_BYTES = 1 << 20
_BATCH = range(AT_ONCE)


async def test_whatever_a_worker_gets_wrong_the_host_goes_on_as_before(
    client: WorkerClient,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - chooses tests
    mailbox = Mailbox(ManualClock())
    client.listen_to(TRANSACTION, mailbox)
    await _listening(client, peer)
    sizes_bytes = []
    tracemalloc.start()
    with caplog.at_level(logging.WARNING):
        for batch in range(1, 2 + CASES // (2 * AT_ONCE)):
            await _say(peer, [spoiled(called(chance.choice(UNASKED)), chance) for _ in _BATCH])
            for _ in _BATCH:
                await peer.pulse.send_multipart(spoiled(called(HEARTBEAT), chance))
            await _until_dropped(client, batch * 2 * AT_ONCE)
            gc.collect()
            sizes_bytes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes_bytes[-1] - sizes_bytes[0] < MAXIMUM_GROWTH_BYTES
    assert client.unreadable == (1 + CASES // (2 * AT_ONCE)) * 2 * AT_ONCE
    assert len(caplog.records) == 1
    assert await mailbox.next(0) is None
    assert client.pulse is not None
    assert client.pulse.busy_ms == HEARTBEAT.busy_ms
    await answered_call(client, peer)


async def _until_dropped(client: WorkerClient, count: int) -> None:
    await until(lambda: client.unreadable >= count)


async def _say(peer: Peer, messages: Sequence[Sequence[bytes]]) -> None:
    for frames in messages:
        await peer.say(*frames)


async def _listening(client: WorkerClient, peer: Peer) -> None:
    """Wait until the host hears this worker's pulse."""
    while client.pulse is None:
        await peer.pulse.send_multipart(encode(HEARTBEAT))
        await asyncio.sleep(0.01)
