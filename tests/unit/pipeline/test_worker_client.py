"""What comes through a worker's own socket, whatever it is, leaves the host able to go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import msgpack
import numpy as np
import pytest
import zmq
import zmq.asyncio

from app.core.clock import SystemClock
from app.core.errors import PhoneLostError, WorkerError
from app.core.identifiers import Serial, TransactionId
from app.core.nursery import Nursery
from app.pipeline import worker_client
from app.pipeline.mailbox import MOST_UNREAD, Mailbox
from app.pipeline.worker_client import HostKeys, WorkerAddress, WorkerClient
from workers.protocol.wire import Kind, decode, encode

DEADLINE_S = 60.0
TRANSACTION = TransactionId("t")
HEARTBEAT = {"resident_bytes": 1, "kv_bytes": 2, "busy_ms": 3.0}
UNREADABLE = {
    "no msgpack": [b"\xff\xff"],
    "a list": [msgpack.packb([1, 2])],
    "a kind of its own": encode("dance", {}),
    "an answer to nothing": encode(Kind.DONE, {"call": []}),
    "an answer to a text": encode(Kind.FAILED, {"call": "1"}),
    "rows that are no list": encode(Kind.TOKEN, {"rows": 3, "trace": []}),
    "a row that is no map": encode(Kind.TOKEN, {"rows": [3], "trace": []}),
    "a row of no transaction": encode(Kind.TOKEN, {"rows": [{"transaction": []}], "trace": []}),
    "a trace that is no list": encode(Kind.TOKEN, {"rows": [], "trace": 3}),
    "transactions that are no list": encode(Kind.BROKEN, {"transactions": 7}),
    "a transaction that is a number": encode(Kind.BROKEN, {"transactions": [7]}),
}


class Peer:
    """A worker in name only: it says what it is told to say."""

    def __init__(self, context: zmq.asyncio.Context) -> None:
        public, secret = zmq.curve_keypair()
        self.inbox = self._bind(context, zmq.ROUTER, secret)
        self.pulse = self._bind(context, zmq.PUB, secret)
        ports = [
            int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rsplit(":", 1)[1])
            for socket in (self.inbox, self.pulse)
        ]
        self.address = WorkerAddress("127.0.0.1", ports[0], ports[1], public.decode())
        self.route = b""

    def _bind(self, context: zmq.asyncio.Context, kind: int, secret: bytes) -> zmq.asyncio.Socket:
        socket = context.socket(kind)
        socket.curve_server, socket.curve_secretkey = True, secret
        socket.bind("tcp://127.0.0.1:*")
        return socket

    async def asked(self) -> int:
        """Return the number of the next call."""
        self.route, *frames = await self.inbox.recv_multipart()
        return int(decode(frames).fields["call"])

    async def say(self, *frames: bytes | memoryview) -> None:
        await self.inbox.send_multipart([self.route, *frames])


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    with zmq.asyncio.Context() as context:
        peer = Peer(context)
        yield peer
        peer.inbox.close(0)
        peer.pulse.close(0)


@pytest.fixture
async def client(peer: Peer) -> AsyncIterator[WorkerClient]:
    """Yield a connection over which the peer was asked something once."""
    with zmq.asyncio.Context() as context:
        public, secret = (key.decode() for key in zmq.curve_keypair())
        keys, clock = HostKeys(public, secret), SystemClock()
        client = WorkerClient(context, Serial("A"), peer.address, keys, clock, Nursery(clock))
        await answered_call(client, peer)
        yield client
        await client.close()


async def answered_call(client: WorkerClient, peer: Peer) -> None:
    call = asyncio.create_task(client.call(Kind.PING, timeout_s=DEADLINE_S))
    number = await peer.asked()
    await peer.say(*encode(Kind.DONE, {"call": number}))
    assert (await call).kind == Kind.DONE


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - another task brings it about
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("frames", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_message_nobody_can_read_is_an_offence_and_the_next_one_is_heard(
    client: WorkerClient, peer: Peer, frames: list[bytes]
) -> None:
    await peer.say(*frames)
    await until(lambda: bool(client.offence))
    await answered_call(client, peer)


async def test_more_than_anybody_reads_is_an_offence_and_takes_no_memory(
    client: WorkerClient, peer: Peer
) -> None:
    mailbox = Mailbox(SystemClock())
    client.listen_to(TRANSACTION, mailbox)
    for step in range(MOST_UNREAD + 1):
        row = {"transaction": TRANSACTION, "step": step}
        await peer.say(*encode(Kind.TOKEN, {"rows": [row], "trace": []}))
    await until(lambda: bool(client.offence))
    steps = [await mailbox.next(DEADLINE_S) for _ in range(MOST_UNREAD)]
    assert [letter.message.fields["step"] for letter in steps if letter] == [*range(MOST_UNREAD)]
    assert await mailbox.next(0.01) is None


async def test_a_frame_larger_than_any_honest_one_ends_the_connection(
    client: WorkerClient, peer: Peer
) -> None:
    call = asyncio.create_task(client.call(Kind.TRANSCRIPT, timeout_s=DEADLINE_S))
    number = await peer.asked()
    numbers = worker_client._MAXIMUM_FRAME_BYTES // 4 + 1
    await peer.say(*encode(Kind.DONE, {"call": number}, [np.zeros(numbers, np.float32)]))
    await until(lambda: client.lost)
    assert not call.done()
    client.give_up()
    with pytest.raises(PhoneLostError, match="given up"):
        await call


@pytest.mark.parametrize(
    "changes",
    [
        {"busy_ms": float("nan")},
        {"busy_ms": -1.0},
        {"resident_bytes": 1 << 63},
        {"kv_bytes": 1.5},
        {"busy_ms": None},
    ],
    ids=str,
)
async def test_a_heartbeat_with_a_wrong_field_is_no_sign_of_life(
    client: WorkerClient, peer: Peer, changes: dict[str, object]
) -> None:
    async def beat(fields: Mapping[str, object], heard: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not heard():
                await peer.pulse.send_multipart(encode(Kind.HEARTBEAT, fields))
                await asyncio.sleep(0.01)

    await beat(HEARTBEAT, lambda: client.pulse is not None)
    first = client.pulse
    await peer.pulse.send_multipart(encode(Kind.HEARTBEAT, {**HEARTBEAT, **changes}))
    await beat({**HEARTBEAT, "busy_ms": 4.0}, lambda: client.pulse is not first)
    assert client.pulse is not None
    assert client.pulse.busy_ms in (3.0, 4.0)


async def test_a_reason_is_told_in_letters_that_no_screen_obeys(
    client: WorkerClient, peer: Peer
) -> None:
    call = asyncio.create_task(client.call(Kind.LOAD, timeout_s=DEADLINE_S))
    number = await peer.asked()
    await peer.say(*encode(Kind.FAILED, {"call": number, "reason": "\x1b[31mno\r\nroom"}))
    with pytest.raises(WorkerError, match=r"^A: \[31mnoroom$"):
        await call
