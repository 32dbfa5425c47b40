"""A ring whose last phone feeds the first: several tokens without the host in between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.workers.model import ToyModel, rows
from tests.integration.workers.ring import Ring, running_ring, step_row, told
from workers.protocol.wire import Kind

PROMPT = [1, 40, 7, 93, 22, 5, 61, 18, 77]


def _open(ring: Ring, slot: int = 0, end_tokens: Sequence[int] = ()) -> str:
    transaction = f"closed-{next(ring.transactions)}"
    first, last = ring.workers[0], ring.workers[-1]
    for stage, peer in enumerate(ring.peers):
        changes: dict[str, Any] = {"slot": slot}
        if stage == 0:
            changes["previous"] = last.keys.public_key
        if stage == len(ring.peers) - 1:
            changes["first"] = [ring.endpoint(first), first.keys.public_key]
            changes["end_tokens"] = list(end_tokens)
        peer.done(Kind.OPEN, **ring.open_fields(stage, transaction, **changes))
    return transaction


def _close(ring: Ring, *transactions: str) -> None:
    for transaction in transactions:
        for peer in ring.peers:
            peer.done(Kind.CLOSE, transaction=transaction, kept_steps=0)


def _ask(ring: Ring, transaction: str, prompt: list[int], ahead: int) -> None:
    row = step_row(transaction, 0, 0, 1, ahead)
    ring.peers[0].send_step([row], rows(prompt))


def test_the_ring_goes_on_by_itself_as_far_as_it_may(ring: Ring, model: ToyModel) -> None:
    transaction = _open(ring)
    _ask(ring, transaction, PROMPT, 5)
    told = [ring.token() for _ in range(6)]
    assert [row["token"] for row in told] == model.greedy(PROMPT, 6)
    assert [row["step"] for row in told] == list(range(6))
    assert [row["goes_on"] for row in told] == [True] * 5 + [False]
    ring.step(transaction, 6, len(PROMPT) + 5, [told[-1]["token"]], 7)
    assert ring.token()["token"] == model.greedy(PROMPT, 7)[-1]
    _close(ring, transaction)


def test_each_row_of_a_step_goes_on_until_its_own_end(ring: Ring, model: ToyModel) -> None:
    prompts = [PROMPT, PROMPT[2:]]
    wanted = [model.greedy(prompt, 7) for prompt in prompts]
    end = next(token for token in wanted[0][2:] if token not in wanted[0][:2])
    ended = wanted[0].index(end) + 1
    names = [_open(ring, 0, [end]), _open(ring, 1)]
    for name, prompt in zip(names, prompts, strict=True):
        _ask(ring, name, prompt, 0)
        ring.token()
    together = [step_row(name, 1, len(p), 2, 5) for name, p in zip(names, prompts, strict=True)]
    fed = np.array([tokens[:1] for tokens in wanted], np.int64)
    ring.peers[0].send_step(together, fed)
    told: dict[str, list[int]] = {name: [] for name in names}
    while len(told[names[0]]) < ended - 1 or len(told[names[1]]) < 6:
        answered, _trace = ring.results()
        for row in answered:
            told[row["transaction"]].append(row["token"])
    assert told[names[0]] == wanted[0][1:ended]
    assert told[names[1]] == wanted[1][1:]
    _close(ring, *names)


def test_a_single_phone_feeds_itself(model: ToyModel, tmp_path: Path) -> None:
    with running_ring(tmp_path, model, [(0, 3)]) as alone:
        transaction = _open(alone)
        _ask(alone, transaction, PROMPT, 3)
        assert [alone.token()["token"] for _ in range(4)] == model.greedy(PROMPT, 4)


def test_both_ends_sign_for_the_same_tokens(ring: Ring) -> None:
    transaction = _open(ring)
    _ask(ring, transaction, PROMPT, 3)
    tokens = [ring.token()["token"] for _ in range(4)]
    received = ring.peers[0].done(Kind.TRANSCRIPT, transaction=transaction, first_step=0, count=9)
    assert [tensor[0].tolist() for tensor in received.tensors] == [
        PROMPT,
        *([token] for token in tokens[:-1]),
    ]
    _close(ring, transaction)


def test_the_last_phone_cannot_go_on_further_than_the_host_allowed(ring: Ring) -> None:
    transaction = _open(ring)
    _ask(ring, transaction, PROMPT, 0)
    token = ring.token()["token"]
    rogue = ring.connect(ring.workers[0], ring.workers[-1].keys)
    row = step_row(transaction, 1, len(PROMPT), 2, 0)
    rogue.send_step([row], rows([token]))
    broken = ring.peers[0].receive()
    assert broken.kind == Kind.BROKEN
    assert "without being asked" in told(broken.fields)
    _close(ring, transaction)


@pytest.mark.parametrize(
    ("stage", "changes", "reason"),
    [
        (0, {"first": ["tcp://127.0.0.1:1", "k" * 40]}, "only the last stage"),
        (1, {"first": ["ipc:///somewhere", "k" * 40]}, "not a tcp"),
        (1, {"end_tokens": ["none"]}, "end_tokens"),
        (1, {"end_tokens": [1] * 257}, "end_tokens"),
    ],
)
def test_an_end_that_makes_no_sense_is_refused(
    ring: Ring, stage: int, changes: dict[str, object], reason: str
) -> None:
    fields = ring.open_fields(stage, "nonsense", **changes)
    assert reason in ring.peers[stage].failure(Kind.OPEN, **fields)
    assert "not open" in ring.peers[stage].failure(Kind.CLOSE, transaction="nonsense", kept_steps=0)
