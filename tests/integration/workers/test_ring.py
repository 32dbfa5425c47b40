from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.integration.workers.model import ToyModel, rows
from tests.integration.workers.ring import GREEDY, SPAN, Ring, WorkerProcess, step_row, told
from workers.engine import light_sleep
from workers.identity.answer_leaf import answer_leaf
from workers.identity.identity import verify_hello
from workers.identity.merkle import root_hash
from workers.identity.receipts import verify_receipt
from workers.identity.transcript import step_leaves
from workers.protocol.sampling_rule import Choice
from workers.protocol.wire import PROTOCOL_VERSION, Kind

PROMPT = [1, 40, 7, 93, 22, 5, 61, 18, 77]
NONCE = bytes(range(32))


def _close(ring: Ring, transaction: str) -> None:
    for peer in ring.peers:
        peer.done(Kind.CLOSE, transaction=transaction, kept_steps=0)


def test_two_phones_generate_what_one_engine_does(ring: Ring, model: ToyModel) -> None:
    transaction = ring.open()
    assert ring.generate(transaction, PROMPT, 12) == model.greedy(PROMPT, 12)
    _close(ring, transaction)


def test_two_requests_in_flight_keep_apart(ring: Ring, model: ToyModel) -> None:
    prompts = {ring.open(slot=slot): PROMPT[: 4 + 3 * slot] for slot in (0, 1)}
    answers: dict[str, list[int]] = {transaction: [] for transaction in prompts}
    for transaction, prompt in prompts.items():
        ring.step(transaction, 0, 0, prompt, 1)
    while any(len(tokens) < 6 for tokens in answers.values()):
        message = ring.token()
        transaction = str(message["transaction"])
        tokens = answers[transaction]
        tokens.append(int(message["token"]))
        if len(tokens) < 6:
            position = len(prompts[transaction]) + len(tokens) - 1
            ring.step(transaction, len(tokens), position, tokens[-1:], len(tokens) + 1)
    for transaction, prompt in prompts.items():
        assert answers[transaction] == model.greedy(prompt, 6)
        _close(ring, transaction)


def test_several_requests_go_round_in_one_step(ring: Ring, model: ToyModel) -> None:
    prompts = {ring.open(slot=slot): PROMPT[: 4 + 2 * slot] for slot in (2, 0)}
    answers = {
        transaction: ring.generate(transaction, prompt, 1)
        for transaction, prompt in prompts.items()
    }
    for number in range(1, 6):
        rows = [
            step_row(transaction, number, len(prompt) + number - 1, number + 1)
            for transaction, prompt in prompts.items()
        ]
        fed = np.array([tokens[-1:] for tokens in answers.values()], np.int64)
        ring.peers[0].send_step(rows, fed)
        results, trace = ring.results()
        assert [result["transaction"] for result in results] == list(prompts)
        assert len(trace) == 2
        for result in results:
            answers[result["transaction"]].append(int(result["token"]))
    for transaction, prompt in prompts.items():
        assert answers[transaction] == model.greedy(prompt, 6)
        _close(ring, transaction)


def test_one_bad_row_is_told_for_every_transaction_of_its_step(ring: Ring) -> None:
    good, other = ring.open(slot=0), ring.open(slot=1)
    rows = [step_row(good, 0, 0, 1), step_row(other, 5, 0, 1)]
    ring.peers[0].send_step(rows, np.array([[1], [2]], np.int64))
    broken = ring.peers[0].receive()
    assert broken.kind == Kind.BROKEN
    assert broken.fields["transactions"] == [good, other]
    _close(ring, good)
    _close(ring, other)


def test_half_precision_halves_the_bytes_of_a_hop_and_chooses_the_same(
    ring: Ring, model: ToyModel
) -> None:
    transaction = ring.open(boundary="f2")
    assert ring.generate(transaction, PROMPT, 6) == model.greedy(PROMPT, 6)
    reply = ring.peers[1].done(Kind.TRANSCRIPT, transaction=transaction, first_step=0, count=1)
    assert reply.tensors[0].dtype == np.float16
    _close(ring, transaction)


def test_the_likeliest_tokens_come_with_the_one_chosen(ring: Ring) -> None:
    transaction = ring.open(alternatives=3)
    ring.step(transaction, 0, 0, PROMPT, 1)
    row = ring.token()
    tokens, log_probabilities = zip(*row["alternatives"], strict=True)
    assert (tokens[0], log_probabilities[0]) == (row["token"], row["log_probability"])
    assert list(log_probabilities) == sorted(log_probabilities, reverse=True)
    _close(ring, transaction)


def test_a_prompt_chunk_that_wants_no_token_answers_with_none(ring: Ring, model: ToyModel) -> None:
    transaction = ring.open()
    ring.step(transaction, 0, 0, PROMPT[:5], 0)
    assert ring.token()["token"] is None
    ring.step(transaction, 1, 5, PROMPT[5:], 1)
    assert ring.token()["token"] == model.greedy(PROMPT, 1)[0]
    _close(ring, transaction)


def test_sampling_depends_on_seed_and_position_only(ring: Ring) -> None:
    warm = {**GREEDY, "temperature": 1.5, "top_p": 0.9, "seed": 5}
    answers = []
    for slot in (0, 2):
        transaction = ring.open(slot=slot, sampling=warm)
        answers.append(ring.generate(transaction, PROMPT, 8))
        _close(ring, transaction)
    transaction = ring.open(sampling=warm)
    rebuilt = ring.generate(transaction, PROMPT + answers[0][:3], 5)
    _close(ring, transaction)
    assert answers[0] == answers[1]
    assert rebuilt == answers[0][3:]


def test_the_trace_names_each_stage_with_its_times(ring: Ring) -> None:
    transaction = ring.open()
    ring.step(transaction, 0, 0, PROMPT, 1)
    _rows, trace = ring.results()
    assert [entry[0] for entry in trace] == [0, 1]
    assert all(entry[1] > 0 and entry[2] >= 0 for entry in trace)
    _close(ring, transaction)


def test_receipts_hold_and_chain_from_phone_to_phone(ring: Ring) -> None:
    transaction = ring.open(alternatives=3)
    told = ring.tell(transaction, PROMPT, 4)
    tokens = [row["token"] for row in told]
    receipts = []
    for stage, peer in enumerate(ring.peers):
        key = peer.done(
            Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=NONCE, host_key=bytes(32)
        ).fields["public_key"]
        sealed = peer.done(Kind.SEAL, transaction=transaction, steps=4, done=4).fields
        body = verify_receipt(sealed["receipt"], sealed["signature"], key)
        assert (body.stage, body.transaction, body.span) == (stage, transaction, SPAN)
        assert (body.steps, body.tokens) == (4, len(PROMPT) + 3)
        receipts.append(body)
    assert receipts[0].output_root == receipts[1].input_root
    sent = [PROMPT, *([token] for token in tokens[:3])]
    positions = [0, *range(len(PROMPT), len(PROMPT) + 3)]
    inputs = [
        leaf
        for given, position in zip(sent, positions, strict=True)
        for leaf in step_leaves(rows(given), position)
    ]
    outputs = [
        leaf
        for row, position in zip(told, positions, strict=True)
        for leaf in step_leaves(
            answer_leaf(
                Choice(row["token"], row["log_probability"]),
                [Choice(*each) for each in row["alternatives"]],
            ),
            position,
        )
    ]
    assert receipts[0].input_root == root_hash(inputs).hex()
    assert receipts[1].output_root == root_hash(outputs).hex()
    _close(ring, transaction)


def test_a_sealed_transaction_keeps_its_receipt_and_takes_no_more_steps(ring: Ring) -> None:
    transaction = ring.open()
    ring.generate(transaction, PROMPT, 2)
    first = ring.peers[0].done(Kind.SEAL, transaction=transaction, steps=4, done=4).fields
    again = ring.peers[0].done(Kind.SEAL, transaction=transaction, steps=4, done=4).fields
    assert (first["receipt"], first["signature"]) == (again["receipt"], again["signature"])
    ring.step(transaction, 2, len(PROMPT) + 1, [3], 3)
    broken = ring.peers[0].receive()
    assert broken.kind == Kind.BROKEN
    assert "sealed" in told(broken.fields)
    assert broken.fields["serial"] == "phone0"
    _close(ring, transaction)


def test_a_transcript_gives_back_what_came_in(ring: Ring) -> None:
    transaction = ring.open()
    tokens = ring.generate(transaction, PROMPT, 3)
    reply = ring.peers[0].done(Kind.TRANSCRIPT, transaction=transaction, first_step=0, count=99)
    assert [step for step, _position in reply.fields["steps"]] == [0, 1, 2]
    assert [tensor[0].tolist() for tensor in reply.tensors] == [PROMPT, tokens[:1], tokens[1:2]]
    part = ring.peers[0].done(Kind.TRANSCRIPT, transaction=transaction, first_step=2, count=1)
    assert part.fields["steps"] == [[2, len(PROMPT) + 1]]
    _close(ring, transaction)


def test_a_repeated_or_skipped_step_is_refused(ring: Ring) -> None:
    transaction = ring.open()
    ring.generate(transaction, PROMPT, 1)
    for number in (0, 2):
        ring.step(transaction, number, len(PROMPT), [3], 2)
        broken = ring.peers[0].receive()
        assert f"step {number} came where step 1 was due" in told(broken.fields)
    _close(ring, transaction)


def test_a_slot_or_name_in_use_is_refused(ring: Ring) -> None:
    transaction = ring.open()
    peer = ring.peers[1]
    assert "in use" in peer.failure(Kind.OPEN, **ring.open_fields(1, "another"))
    again = ring.open_fields(1, transaction, slot=1)
    assert "already open" in peer.failure(Kind.OPEN, **again)
    assert "open transactions" in peer.failure(Kind.UNLOAD, span=SPAN)
    _close(ring, transaction)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"slot": 99}, "no slot 99"),
        ({"slot": 1_024}, "field slot"),
        ({"surprise": 1}, "field 'surprise' is not part of this message"),
        ({"span": "other"}, "not loaded"),
        ({"boundary": "f8"}, "boundary"),
        ({"alternatives": 21}, "alternatives"),
        ({"sampling": {**GREEDY, "temperature": float("nan")}}, "temperature"),
        ({"next": None}, "no next phone"),
        ({"next": ["ipc:///somewhere", "k" * 40]}, "not a tcp"),
        ({"next": ["tcp://127.0.0.1:1", "short"]}, "field next.key"),
    ],
)
def test_an_open_that_makes_no_sense_is_refused_and_leaves_nothing(
    ring: Ring, changes: dict[str, object], reason: str
) -> None:
    fields = ring.open_fields(0, "nonsense", **changes)
    assert reason in ring.peers[0].failure(Kind.OPEN, **fields)
    assert "not open" in ring.peers[0].failure(Kind.CLOSE, transaction="nonsense", kept_steps=0)


def test_hello_proves_the_key_and_names_the_numerical_class(ring: Ring) -> None:
    peer = ring.peers[0]
    fields = peer.done(
        Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=NONCE, host_key=bytes(32)
    ).fields
    who = ("phone0", ring.workers[0].keys.public_key, bytes(32))
    assert verify_hello(fields["public_key"], NONCE, *who, fields["proof"])
    assert not verify_hello(fields["public_key"], bytes(32), *who, fields["proof"])
    assert not verify_hello(fields["public_key"], NONCE, *who[:2], NONCE, fields["proof"])
    assert "onnxruntime" in fields["numerical_class"]
    assert fields["process_id"] == ring.workers[0].process.pid
    assert "speaks protocol" in peer.failure(Kind.HELLO, protocol=99, nonce=NONCE)


def test_measuring_gives_three_positive_figures(ring: Ring) -> None:
    fields = ring.peers[0].done(Kind.MEASURE).fields
    for name in ("weight_bytes_per_second", "flops_per_second", "step_overhead_s"):
        assert fields[name] > 0


def test_an_unknown_command_fails_in_one_line(ring: Ring) -> None:
    assert "not known" in ring.peers[0].failure("dance")


def test_processors_sleep_lightly_while_a_transaction_is_open(ring: Ring) -> None:
    allowed = os.access(light_sleep.DEVICE, os.W_OK)
    assert not any(map(_asks_for_light_sleep, ring.workers))
    transaction = ring.open()
    assert [_asks_for_light_sleep(worker) for worker in ring.workers] == [allowed, allowed]
    refused = ["may sleep deeply" in worker.log() for worker in ring.workers]
    assert refused == [not allowed, not allowed]
    _close(ring, transaction)
    assert not any(map(_asks_for_light_sleep, ring.workers))


def _asks_for_light_sleep(worker: WorkerProcess) -> bool:
    descriptors = Path(f"/proc/{worker.process.pid}/fd")
    return any(link.resolve() == light_sleep.DEVICE for link in descriptors.iterdir())
