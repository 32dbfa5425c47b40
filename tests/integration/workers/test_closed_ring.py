"""A ring whose last phone feeds the first: several tokens without the host in between."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.workers.model import ToyModel, rows
from tests.integration.workers.ring import Ring, running_ring, step_row, told
from workers.protocol.wire import Kind

PROMPT = [1, 40, 7, 93, 22, 5, 61, 18, 77]


def _open(
    ring: Ring,
    slot: int = 0,
    end_tokens: Sequence[int] = (),
    history: Sequence[int] | None = None,
) -> str:
    transaction = f"closed-{next(ring.transactions)}"
    first, last = ring.workers[0], ring.workers[-1]
    for stage, peer in enumerate(ring.peers):
        changes: dict[str, Any] = {"slot": slot}
        if stage == 0:
            changes["previous"] = last.keys.public_key
        if stage == len(ring.peers) - 1:
            changes["first"] = [ring.endpoint(first), first.keys.public_key]
            changes["end_tokens"] = list(end_tokens)
            changes["history"] = None if history is None else list(history)
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


def _generated(ring: Ring, count: int, **end: Any) -> tuple[list[int], list[int], list[bytes]]:  # noqa: ANN401
    """Return tokens, how many came of each message, and each stage's receipt for them."""
    transaction = _open(ring, **end)
    _ask(ring, transaction, PROMPT, count - 1)
    tokens: list[int] = []
    messages = []
    while len(tokens) < count:
        told, _trace = ring.results()
        tokens += [row["token"] for row in told]
        messages.append(len(told))
    signed = [
        peer.done(Kind.SEAL, transaction=transaction, steps=count, done=count).fields["receipt"]
        for peer in ring.peers
    ]
    _close(ring, transaction)
    return tokens, messages, signed


def test_drafts_change_neither_a_token_nor_what_is_signed(ring: Ring, model: ToyModel) -> None:
    count = 50
    wanted = model.greedy(PROMPT, count)
    plain, one_each, signed = _generated(ring, count)
    drafted, messages, signed_with_drafts = _generated(ring, count, history=[*PROMPT, *wanted])
    assert plain == drafted == wanted
    assert one_each == [1] * count
    assert len(messages) < count / 2, "what was there before is drafted"
    named = ("input_root", "output_root", "steps", "tokens")
    for without, with_drafts in zip(signed, signed_with_drafts, strict=True):
        before, after = json.loads(without), json.loads(with_drafts)
        assert [before[name] for name in named] == [after[name] for name in named]


def test_drafts_that_are_wrong_are_withdrawn_at_every_stage(ring: Ring, model: ToyModel) -> None:
    count = 40
    wanted = model.greedy(PROMPT, count)
    misleading = [token for each in wanted for token in (each, 1)]
    doubled = [*PROMPT, *wanted[:9], *misleading, *wanted[:12], 3, 4, *PROMPT]
    plain, _, signed = _generated(ring, count)
    drafted, _, signed_with_drafts = _generated(ring, count, history=doubled)
    assert plain == drafted
    roots = [
        [json.loads(each)["output_root"] for each in some] for some in (signed, signed_with_drafts)
    ]
    assert roots[0] == roots[1]


def test_an_open_ring_proposes_drafts_for_the_host_to_send(ring: Ring, model: ToyModel) -> None:
    wanted = model.greedy(PROMPT, 30)
    last = len(ring.peers) - 1
    history = [*PROMPT, *wanted]
    transaction = "drafted"
    for stage, peer in enumerate(ring.peers):
        changes = {"history": history} if stage == last else {}
        peer.done(Kind.OPEN, **ring.open_fields(stage, transaction, **changes))
    tokens: list[int] = []
    proposed: list[int] = []
    sent = 0
    row = step_row(transaction, 0, 0, 1)
    ring.peers[0].send_step([row], rows(PROMPT))
    while len(tokens) < 30:
        message = ring.peers[-1].receive()
        assert message.kind == Kind.TOKEN, message
        tokens += [each[3] for each in message.fields["rows"]]
        assert message.fields["drafts"] == len(proposed)
        proposed = message.fields["proposed"]
        sent += len(proposed)
        at = len(tokens)
        row = step_row(transaction, at, len(PROMPT) + at - 1, at + 1, len(proposed))
        step = row._replace(drafts=len(proposed))
        ring.peers[0].send_step([step], rows([tokens[-1], *proposed]))
    assert tokens[:30] == wanted
    assert sent > 10
    ring.peers[-1].receive()
    _close(ring, transaction)


def test_more_drafts_than_were_made_are_refused(ring: Ring) -> None:
    transaction = _open(ring, history=PROMPT)
    _ask(ring, transaction, PROMPT, 0)
    token = ring.token()["token"]
    row = step_row(transaction, 1, len(PROMPT), 2, 3)._replace(drafts=3)
    ring.peers[0].send_step([row], rows([token, 1, 2, 3]))
    broken = ring.peers[-1].receive()
    assert broken.kind == Kind.BROKEN
    assert "without being asked" in told(broken.fields)
    _close(ring, transaction)


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
