from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq

from tests.integration.workers.model import ToyModel, rows
from tests.integration.workers.ring import Ring, running_ring, wait_until
from workers.identity.merkle import root_hash
from workers.identity.receipts import verify_receipt
from workers.identity.transcript import step_leaves
from workers.protocol.codec import read_raw
from workers.protocol.wire import PROTOCOL_VERSION, Kind
from workers.ring.faults import CRASH_STATUS

PROMPT = [1, 40, 7, 93, 22]


@pytest.fixture
def ring(model: ToyModel, tmp_path: Path) -> Iterator[Ring]:
    with running_ring(tmp_path, model, [(0, 1), (2, 3)]) as running:
        yield running


@pytest.fixture(scope="module")
def steady_ring(model: ToyModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    """Yield a ring for tests after which it is as it was."""
    with running_ring(tmp_path_factory.mktemp("steady"), model, [(0, 1), (2, 3)]) as running:
        yield running


def _set_fault(ring: Ring, stage: int, fault: str, token: int = 1, amount: float = 4.0) -> None:
    fields = {"fault": fault, "token": token, "amount": amount}
    ring.peers[stage].done(Kind.FAULT, **fields, share=1.0, seed=0)


def test_a_lying_phone_alters_what_it_passes_on_and_signs_for_the_lie(
    ring: Ring, model: ToyModel
) -> None:
    _set_fault(ring, 0, "wrong-output")
    transaction = ring.open()
    ring.generate(transaction, PROMPT, 1)
    honest = model.engine(0, 1).run(0, 0, rows(PROMPT))
    told = ring.peers[1].done(Kind.TRANSCRIPT, transaction=transaction, first_step=0, count=1)
    assert not np.allclose(told.tensors[0], honest)
    np.testing.assert_array_equal(np.abs(told.tensors[0]), np.abs(honest))
    key = (
        ring.peers[0]
        .done(Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=bytes(32), host_key=bytes(32))
        .fields
    )
    sealed = ring.peers[0].done(Kind.SEAL, transaction=transaction, steps=1, done=1).fields
    body = verify_receipt(sealed["receipt"], sealed["signature"], key["public_key"])
    assert body.output_root == root_hash(step_leaves(told.tensors[0], 0)).hex()


def test_a_lying_last_phone_answers_another_token_from_the_given_one_on(
    ring: Ring, model: ToyModel
) -> None:
    _set_fault(ring, 1, "wrong-output", token=3)
    transaction = ring.open()
    generated = ring.generate(transaction, PROMPT, 3)
    expected = model.greedy(PROMPT, 3)
    assert generated[:2] == expected[:2]
    assert generated[2] != expected[2]


def test_a_lifted_fault_leaves_no_trace(ring: Ring, model: ToyModel) -> None:
    _set_fault(ring, 1, "wrong-output")
    _set_fault(ring, 1, "none")
    assert ring.generate(ring.open(), PROMPT, 3) == model.greedy(PROMPT, 3)


def test_a_slow_phone_still_answers_right(ring: Ring, model: ToyModel) -> None:
    _set_fault(ring, 1, "slow", token=2, amount=20.0)
    assert ring.generate(ring.open(), PROMPT, 4) == model.greedy(PROMPT, 4)


def test_a_crashing_phone_ends_at_the_token_without_an_answer(ring: Ring) -> None:
    _set_fault(ring, 1, "crash", token=2)
    transaction = ring.open()
    ring.step(transaction, 0, 0, PROMPT, 1)
    token = int(ring.token()["token"])
    ring.step(transaction, 1, len(PROMPT), [token], 2)
    assert ring.workers[1].process.wait(60) == CRASH_STATUS
    assert not ring.peers[1].socket.poll(0)


def test_a_hanging_phone_keeps_its_pulse_and_answers_nothing(ring: Ring) -> None:
    worker = ring.workers[1]
    pulse = ring.context.socket(zmq.SUB)
    pulse.curve_serverkey = worker.keys.public_key.encode()
    pulse.curve_publickey = ring.keys.public_key.encode()
    pulse.curve_secretkey = ring.keys.secret_key.encode()
    pulse.subscribe(b"")
    pulse.connect(f"tcp://127.0.0.1:{worker.ready().pulse_port}")
    _set_fault(ring, 1, "hang", token=1)
    transaction = ring.open()
    ring.step(transaction, 0, 0, PROMPT, 1)

    def is_stuck() -> bool:
        return bool(pulse.poll(2000)) and read_raw(pulse.recv_multipart()).fields["busy_ms"] > 700

    wait_until(is_stuck, "a heartbeat of a stuck phone")
    beat = read_raw(pulse.recv_multipart()).fields
    assert beat["serial"] == "phone1"
    assert beat["transactions"] == [transaction]
    assert beat["resident_bytes"] > 0
    assert beat["kv_bytes"] > 0
    assert not ring.peers[1].socket.poll(0)
    worker.process.terminate()
    assert worker.process.wait(60) == 0


def test_a_withheld_receipt_is_never_sent_while_other_commands_are_answered(ring: Ring) -> None:
    _set_fault(ring, 0, "withheld-receipt", token=2)
    transaction = ring.open()
    ring.generate(transaction, PROMPT, 2)
    peer = ring.peers[0]
    peer.send(Kind.SEAL, {"transaction": transaction, "steps": 2, "done": 2, "call": 1000})
    answer = peer.call(Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=bytes(32), host_key=bytes(32))
    assert answer.kind == Kind.DONE
    short = ring.open(slot=1)
    ring.generate(short, PROMPT, 1)
    peer.done(Kind.SEAL, transaction=short, steps=1, done=1)


@pytest.mark.parametrize(
    "fields",
    [
        {"fault": "dance", "token": 1, "amount": 1.0},
        {"fault": "slow", "token": 0, "amount": 1.0},
        {"fault": "slow", "token": 1, "amount": float("inf")},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    steady_ring: Ring, fields: dict[str, object]
) -> None:
    steady_ring.peers[0].failure(Kind.FAULT, **fields, share=1.0, seed=0)
