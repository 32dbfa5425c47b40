"""Receipts and transcripts are taken as they must be, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from app.core.errors import PhoneLostError, WorkerError
from app.core.identifiers import Serial, TransactionId
from app.pipeline.collection import (
    PIECE_BYTES,
    SLOWEST_BYTES_PER_SECOND,
    TRANSCRIPT_TIMEOUT_S,
    TensorForm,
    sealed_receipt,
    transcript,
)
from app.pipeline.stage import Stage
from app.pipeline.worker_client import WorkerClient
from tests.saying import raises_saying, raises_telling
from workers.protocol.bounds import FieldError
from workers.protocol.codec import read_reply
from workers.protocol.commands import MAXIMUM_RECEIPT_BYTES, Excerpt, Seal, Sealed
from workers.protocol.message import Reply
from workers.protocol.wire import Kind, RawMessage, Tensor

TRANSACTION = TransactionId("t")
HIDDEN = 1_024
NO_TIMES = {"times": b"", "times_signature": b""}
SIGNED = {"receipt": b"{}", "signature": bytes(64), **NO_TIMES}
_Answer = Callable[[int, int], tuple[Tensor, ...]]


class AskedPhone:
    """Answers every command in the same way and keeps what it was asked."""

    serial, lost = Serial("A"), False

    def __init__(self, answer: Callable[[Any], Reply]) -> None:
        self._answer = answer
        self.asked: list[tuple[Any, float]] = []

    async def call(self, command: Any, timeout_s: float) -> Reply:  # noqa: ANN401
        self.asked.append((command, timeout_s))
        return self._answer(command)


def a_stage(phone: AskedPhone) -> Stage:
    return Stage(cast(WorkerClient, phone), "span")


def showing(answer: _Answer) -> AskedPhone:
    return AskedPhone(lambda asked: Excerpt((), answer(asked.first_step, asked.count)))


def rows(tokens: int, step: int = 0) -> Tensor:
    return np.full((1, tokens, HIDDEN), step, np.float32)


def forms(steps: int, tokens: int = 64) -> list[TensorForm]:
    return [TensorForm("f4", (1, tokens, HIDDEN))] * steps


async def test_a_transcript_comes_in_pieces_with_the_time_that_their_bytes_take() -> None:
    phone = showing(lambda first, count: tuple(rows(64, first + each) for each in range(count)))
    tensors = await transcript(a_stage(phone), TRANSACTION, forms(10))
    assert [tensor[0, 0, 0] for tensor in tensors] == list(range(10))
    pieces = [(asked.first_step, asked.count) for asked, _timeout_s in phone.asked]
    assert pieces == [(0, 4), (4, 4), (8, 2)]
    first_s = TRANSCRIPT_TIMEOUT_S + PIECE_BYTES / SLOWEST_BYTES_PER_SECOND
    assert phone.asked[0][1] == first_s


async def test_a_step_larger_than_a_piece_comes_alone() -> None:
    phone = showing(lambda _first, count: (rows(1_000),) * count)
    assert len(await transcript(a_stage(phone), TRANSACTION, forms(3, 1_000))) == 3
    assert [asked.count for asked, _timeout_s in phone.asked] == [1, 1, 1]


@pytest.mark.parametrize(
    "shown",
    [
        (),
        (rows(64),),
        (rows(64),) * 3,
        (rows(64), rows(63)),
        (rows(64), rows(64).astype(np.float16)),
        (rows(64), rows(64)[0]),
        (rows(2_048), rows(2_048)),
    ],
    ids=["nothing", "less", "more", "shorter", "another type", "another shape", "eight megabytes"],
)
async def test_a_transcript_of_anything_else_is_refused_at_once(shown: tuple[Tensor, ...]) -> None:
    phone = showing(lambda _first, _count: shown)
    with raises_saying(WorkerError, match="other steps than it was sent"):
        await transcript(a_stage(phone), TRANSACTION, forms(2))
    assert len(phone.asked) == 1


async def test_a_receipt_is_asked_for_the_steps_that_were_sent_and_those_that_came_back() -> None:
    phone = AskedPhone(lambda _: Sealed(b"{}", bytes(64)))
    receipt = await sealed_receipt(a_stage(phone), TRANSACTION, 7, 6)
    assert receipt is not None
    assert (receipt.data, phone.asked[0][0]) == (b"{}", Seal(TRANSACTION, 7, 6))


@pytest.mark.parametrize(
    "changes",
    [
        {"receipt": 1 << 40},
        {"receipt": "{}"},
        {"receipt": bytes(MAXIMUM_RECEIPT_BYTES + 1)},
        {"signature": bytes(63)},
        {"signature": 64},
        {"signature": None},
    ],
    ids=str,
)
def test_what_is_no_receipt_is_never_read_as_one(changes: dict[str, object]) -> None:
    assert read_reply(Sealed, RawMessage(Kind.DONE, SIGNED)) == Sealed(b"{}", bytes(64))
    with raises_telling(FieldError, match=f"field {next(iter(changes))} is not"):
        read_reply(Sealed, RawMessage(Kind.DONE, {**SIGNED, **changes}))


async def test_a_phone_that_refuses_or_does_not_answer_gives_no_receipt() -> None:
    for error in (WorkerError("no"), PhoneLostError("late")):

        def refuse(_: object, error: Exception = error) -> Reply:
            raise error

        assert await sealed_receipt(a_stage(AskedPhone(refuse)), TRANSACTION, 7, 6) is None
