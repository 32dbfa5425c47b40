"""Thousands of messages with something wrong in them change nothing in a worker."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.bad_messages import CASES, COMMANDS, SEED, called, spoiled
from tests.integration.workers.model import ToyModel
from tests.integration.workers.ring import Peer, Ring, running_ring, step_row
from workers.protocol.step_message import step_frame
from workers.protocol.wire import PROTOCOL_VERSION, Kind, RawMessage

PROMPT = [1, 40, 7, 93, 22]
AT_ONCE = 100
MAXIMUM_GROWTH_BYTES = 16 << 20
MOST_LINES = 12
LARGEST_CALL = 1 << 40


@pytest.fixture
def ring(model: ToyModel, tmp_path: Path) -> Iterator[Ring]:
    with running_ring(tmp_path, model, [(0, 1), (2, 3)]) as running:
        yield running


def introduced(peer: Peer) -> RawMessage:
    """Return what a worker says of itself, after it took up all that was sent before."""
    hello = {
        "protocol": PROTOCOL_VERSION,
        "nonce": bytes(32),
        "host_key": bytes(32),
        "call": LARGEST_CALL,
    }
    peer.send(Kind.HELLO, hello)
    while True:
        reply = peer.receive()
        if reply.kind == Kind.DONE and reply.fields["call"] == LARGEST_CALL:
            return reply
        assert reply.kind == Kind.FAILED


def bad_commands(chance: random.Random) -> list[list[bytes]]:
    examples = [called(command) for command in COMMANDS]
    return [spoiled(chance.choice(examples), chance) for _ in range(AT_ONCE)]


def bad_steps(chance: random.Random, transaction: str) -> list[list[bytes]]:
    """Return steps that are cut short or of which a byte of the header was changed."""
    frame = step_frame([step_row(transaction, 0, 0, 1)], (), np.zeros((1, 1, 4), np.float32))
    cut = [[frame[: chance.randrange(1, len(frame))]] for _ in range(AT_ONCE // 2)]
    return cut + [[frame[:2] + chance.randbytes(14) + frame[16:]] for _ in range(AT_ONCE // 2)]


def send(peer: Peer, messages: Sequence[Sequence[bytes]]) -> None:
    for frames in messages:
        peer.socket.send_multipart(frames)


def test_whatever_host_and_phones_get_wrong_a_worker_goes_on_as_before(
    ring: Ring, model: ToyModel
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - chooses tests
    open_here = ring.open()
    host, worker = ring.peers[1], ring.workers[1]
    phone = ring.connect(worker, ring.workers[0].keys)
    before, size_bytes, lines = introduced(host), 0, 0
    for batch in range(1 + CASES // (3 * AT_ONCE)):
        send(host, bad_commands(chance))
        send(phone, bad_commands(chance))
        send(phone, bad_steps(chance, "unknown"))
        after = introduced(host)
        if batch == 0:
            size_bytes = psutil.Process(worker.process.pid).memory_info().rss
            lines = worker.log().count("\n")
    assert {**after.fields, "proof": b""} == {**before.fields, "proof": b""}
    assert psutil.Process(worker.process.pid).memory_info().rss - size_bytes < MAXIMUM_GROWTH_BYTES
    assert worker.log().count("\n") - lines < MOST_LINES
    assert not phone.socket.poll(0)
    assert ring.generate(open_here, PROMPT, 3) == model.greedy(PROMPT, 3)
    worker.process.terminate()
    assert worker.process.wait(60) == 0
    assert f"messages of {ring.workers[0].keys.public_key} were dropped" in worker.log()


def test_a_phone_cannot_make_the_next_one_complain_more_than_once(
    ring: Ring, model: ToyModel
) -> None:
    transaction = ring.open()
    sender = ring.connect(ring.workers[1], ring.workers[0].keys)
    hidden = model.engine(0, 1).run(0, 0, np.array([PROMPT], np.int64))
    frame = step_frame([step_row(transaction, 5, 0, 1)], (), hidden)
    send(sender, [[frame]] * 50)
    send(sender, bad_steps(random.Random(SEED), transaction))  # noqa: S311 - chooses tests
    broken = ring.peers[1].receive()
    assert (broken.kind, broken.fields["transactions"]) == (Kind.BROKEN, [transaction])
    introduced(ring.peers[1])
    assert not ring.peers[1].socket.poll(0)
