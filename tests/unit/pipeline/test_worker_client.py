"""What comes through a worker's own socket, whatever it is, leaves the host able to go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict

import msgpack
import numpy as np
import pytest
import zmq
import zmq.asyncio

from app.core.clock import SystemClock
from app.core.errors import PhoneLostError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.core.nursery import Nursery
from app.pipeline import worker_client, zmq_port
from app.pipeline.mailbox import MOST_UNREAD, Letter, Mailbox
from app.pipeline.ports import PortClosedError
from app.pipeline.ring_messages import StepAnswer
from app.pipeline.worker_client import WorkerAddress, WorkerClient
from app.pipeline.zmq_port import HostKeys, ZmqPort
from app.words.sentences import fact_text
from tests.saying import raises_saying
from workers.protocol.codec import encode, raw_frames, read_command
from workers.protocol.commands import Measure, Ping, Pong, Seal, ShowTranscript
from workers.protocol.told import Failed, Heartbeat, Token, ToldToken
from workers.protocol.wire import Kind

DEADLINE_S = 60.0
TRANSACTION = TransactionId("t")
SEALED = {"receipt": b"{}", "signature": bytes(64), "times": b"", "times_signature": b""}
HEARTBEAT = {**asdict(Heartbeat("A", 1, 1, 2, 3.0, (), ()))}
UNREADABLE = {
    "no msgpack": [b"\xff\xff"],
    "a list": [msgpack.packb([1, 2])],
    "a kind of its own": raw_frames("dance", {}),
    "an answer to nothing": raw_frames(Kind.DONE, {"call": []}),
    "an answer to a text": raw_frames(Kind.FAILED, {"call": "1"}),
    "rows that are no list": raw_frames(
        Kind.TOKEN, {"rows": 3, "trace": [], "drafts": 0, "proposed": []}
    ),
    "a row that is no map": raw_frames(
        Kind.TOKEN, {"rows": [3], "trace": [], "drafts": 0, "proposed": []}
    ),
    "a row of no transaction": raw_frames(
        Kind.TOKEN, {"rows": [{"transaction": []}], "trace": [], "drafts": 0, "proposed": []}
    ),
    "a trace that is no list": raw_frames(
        Kind.TOKEN, {"rows": [], "trace": 3, "drafts": 0, "proposed": []}
    ),
    "transactions that are no list": raw_frames(Kind.BROKEN, {"transactions": 7}),
    "a transaction that is a number": raw_frames(Kind.BROKEN, {"transactions": [7]}),
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
        return read_command(frames).call

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
        port = ZmqPort(context, peer.address, keys)
        client = WorkerClient(port, Serial("A"), peer.address, clock, Nursery(clock))
        await answered_call(client, peer)
        yield client
        await client.close()


async def answered_call(client: WorkerClient, peer: Peer) -> None:
    call = asyncio.create_task(client.call(Ping(), DEADLINE_S))
    number = await peer.asked()
    await peer.say(*encode(Pong(), number))
    assert await call == Pong()


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
        row = ToldToken(TRANSACTION, step, 1, 7, -0.5, (), goes_on=False)
        await peer.say(*encode(Token((row,), ())))
    await until(lambda: bool(client.offence))
    steps = [await mailbox.next(DEADLINE_S) for _ in range(MOST_UNREAD)]
    assert _steps(steps) == [*range(MOST_UNREAD)]
    assert await mailbox.next(0.01) is None


def _steps(letters: Sequence[Letter | None]) -> list[int]:
    said = [letter.message for letter in letters if letter is not None]
    return [answer.row.step for answer in said if isinstance(answer, StepAnswer)]


async def test_a_worker_that_floods_is_lost_and_heard_no_more(
    client: WorkerClient, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_client, "_MOST_WAITING", 50)
    for _ in range(300):
        await peer.say(b"x")
    await until(lambda: client.lost)
    assert client.offence == Fact("offence.floods")
    with pytest.raises(PortClosedError):
        await client._port.send([b"x"])
    with raises_saying(PhoneLostError, match="given up"):
        await client.call(Ping(), DEADLINE_S)


async def test_a_frame_larger_than_any_honest_one_ends_the_connection(
    client: WorkerClient, peer: Peer
) -> None:
    call = asyncio.create_task(client.call(ShowTranscript(TRANSACTION, 0, 1), DEADLINE_S))
    number = await peer.asked()
    numbers = zmq_port._MAXIMUM_FRAME_BYTES // 4 + 1
    await peer.say(*raw_frames(Kind.DONE, {"call": number}, [np.zeros(numbers, np.float32)]))
    await until(lambda: client.lost)
    assert not call.done()
    client.give_up()
    with raises_saying(PhoneLostError, match="given up"):
        await call


@pytest.mark.parametrize(
    "changes",
    [
        {"busy_ms": float("nan")},
        {"busy_ms": -1.0},
        {"resident_bytes": 1 << 63},
        {"kv_bytes": 1.5},
        {"busy_ms": None},
        {"serial": ""},
        {"spans": ["x" * 257]},
        {"surprise": 1},
    ],
    ids=str,
)
async def test_a_heartbeat_with_a_wrong_field_is_no_sign_of_life(
    client: WorkerClient, peer: Peer, changes: dict[str, object]
) -> None:
    async def beat(fields: Mapping[str, object], heard: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not heard():
                await peer.pulse.send_multipart(raw_frames(Kind.HEARTBEAT, fields))
                await asyncio.sleep(0.01)

    await beat(HEARTBEAT, lambda: client.pulse is not None)
    first = client.pulse
    await peer.pulse.send_multipart(raw_frames(Kind.HEARTBEAT, {**HEARTBEAT, **changes}))
    await beat({**HEARTBEAT, "busy_ms": 4.0}, lambda: client.pulse is not first)
    assert client.pulse is not None
    assert client.pulse.busy_ms in (3.0, 4.0)


async def test_a_reason_is_told_in_letters_that_no_screen_obeys(
    client: WorkerClient, peer: Peer
) -> None:
    call = asyncio.create_task(client.call(Measure(), DEADLINE_S))
    number = await peer.asked()
    await peer.say(*encode(Failed("\x1b[31mno\r\nroom"), number))
    with raises_saying(WorkerError, match=r"^A: \[31mnoroom$"):
        await call


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "field receipt is missing"),
        ({"receipt": b"{}", "signature": bytes(63)}, "field signature is not 64 bytes"),
        (SEALED | {"tip": 1}, "field 'tip' is not part of"),
    ],
)
async def test_a_wrong_answer_ends_the_call_at_once_and_is_an_offence(
    client: WorkerClient, peer: Peer, fields: dict[str, object], why: str
) -> None:
    call = asyncio.create_task(client.call(Seal(TRANSACTION, 1, 1), DEADLINE_S))
    number = await peer.asked()
    await peer.say(*raw_frames(Kind.DONE, {**fields, "call": number}))
    with raises_saying(WorkerError, match=f"^A answered wrongly: {why}"):
        await call
    assert client.offence is not None
    assert (why in fact_text(client.offence), client.unreadable) == (True, 1)


async def test_what_no_worker_may_be_asked_is_never_sent(client: WorkerClient) -> None:
    with raises_saying(WorkerError, match="field answer_bytes is no integer"):
        await client.call(Ping(answer_bytes=3))
    assert not client._calls
