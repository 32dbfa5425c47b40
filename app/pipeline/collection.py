"""What the host collects when an attempt ends: signed receipts and, for audits, transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from app.core.errors import PhoneLostError, WorkerError
from app.core.identifiers import Serial, TransactionId
from app.pipeline.stage import Stage
from workers.identity.grounds import PROBES
from workers.protocol.commands import (
    MAXIMUM_EXCERPT_STEPS,
    Excerpt,
    Seal,
    ShowTranscript,
)
from workers.protocol.replay_commands import Grounds, ShowGrounds
from workers.protocol.wire import DTYPES, Tensor

SEAL_TIMEOUT_S: Final = 3.0
TRANSCRIPT_TIMEOUT_S: Final = 10.0
"""For a piece of a transcript, besides the time that its bytes take."""
SLOWEST_BYTES_PER_SECOND: Final = 256 << 10
PIECE_BYTES: Final = 1 << 20
"""How much of a transcript is asked for at a time; a larger step comes alone."""


@dataclass(frozen=True)
class SealedReceipt:
    """A stage's signed statement of what went in and out."""

    serial: Serial
    data: bytes
    signature: bytes
    times: bytes = b""
    """What its steps took (`workers.pledges.work_times`); empty where it says nothing."""
    times_signature: bytes = b""


@dataclass(frozen=True)
class TensorForm:
    """What a tensor must be, known before it comes."""

    dtype: str
    """As on the wire: `f4`, `f2` or `i8`."""
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """Its size."""
        return prod(self.shape) * DTYPES[self.dtype].itemsize

    def fits(self, tensor: Tensor) -> bool:
        """Tell whether a tensor is of this form."""
        return tensor.dtype == DTYPES[self.dtype] and tensor.shape == self.shape


async def sealed_receipt(
    stage: Stage, transaction: TransactionId, steps: int, done: int
) -> SealedReceipt | None:
    """Return a stage's receipt for at most so many steps, or None where it gives none.

    Of these so many first ones are `done`: their answers have come.
    """
    if stage.client.lost:
        return None
    try:
        sealed = await stage.client.call(Seal(transaction, steps, done), SEAL_TIMEOUT_S)
    except (PhoneLostError, WorkerError):
        return None
    signed = sealed.receipt, sealed.signature, sealed.times, sealed.times_signature
    return SealedReceipt(stage.serial, *signed)


async def transcript(
    stage: Stage, transaction: TransactionId, forms: Sequence[TensorForm]
) -> list[Tensor]:
    """Return the input tensors of a stage's first steps, each of the form given.

    Never holds more than these forms add up to, and one piece. Raises `PhoneLostError` or
    `WorkerError` where the stage does not give them in time or gives something else.
    """
    tensors: list[Tensor] = []
    while len(tensors) < len(forms):
        wanted = _piece(forms[len(tensors) :])
        reply = await stage.client.call(
            ShowTranscript(transaction, first_step=len(tensors), count=len(wanted)),
            TRANSCRIPT_TIMEOUT_S + _size_bytes(wanted) / SLOWEST_BYTES_PER_SECOND,
        )
        _check(stage, reply, wanted)
        tensors.extend(reply.tensors)
    return tensors


async def grounds(
    stage: Stage, transaction: TransactionId, wanted: Sequence[bool], hidden_size: int
) -> list[Tensor | None]:
    """Return what the tokens of a last stage's first steps rest on; `wanted` tells which have one.

    Each is `f4 [PROBES]` or `[PROBES + hidden]`. Raises `PhoneLostError` or `WorkerError` where the
    stage does not give them in time or gives something else.
    """
    most = TensorForm("f4", (PROBES + hidden_size,))
    at_once = min(MAXIMUM_EXCERPT_STEPS, max(1, PIECE_BYTES // most.size_bytes))
    found: list[Tensor | None] = []
    for first in range(0, len(wanted), at_once):
        some = wanted[first : first + at_once]
        reply = await stage.client.call(
            ShowGrounds(transaction, first_step=first, count=len(some)),
            TRANSCRIPT_TIMEOUT_S + _size_bytes([most] * len(some)) / SLOWEST_BYTES_PER_SECOND,
        )
        _check_grounds(stage, reply, some, most)
        found += [each if each.size else None for each in reply.tensors]
    return found


def _check_grounds(stage: Stage, reply: Grounds, wanted: Sequence[bool], most: TensorForm) -> None:
    """Raise `WorkerError` unless there is one of a right form for each token, and no other."""
    forms = (TensorForm("f4", (PROBES,)), most)
    alike = len(reply.tensors) == len(wanted) and all(
        any(form.fits(each) for form in forms) if asked else each.shape == (0,)
        for asked, each in zip(wanted, reply.tensors, strict=True)
    )
    if not alike:
        raise WorkerError("worker.other_transcript", phone=stage.serial)


def _piece(forms: Sequence[TensorForm]) -> Sequence[TensorForm]:
    """Return as many of the first forms as fit a piece, at least one."""
    count, size_bytes = 1, forms[0].size_bytes
    most = min(len(forms), MAXIMUM_EXCERPT_STEPS)
    while count < most and size_bytes + forms[count].size_bytes <= PIECE_BYTES:
        size_bytes += forms[count].size_bytes
        count += 1
    return forms[:count]


def _size_bytes(forms: Sequence[TensorForm]) -> int:
    return sum(form.size_bytes for form in forms)


def _check(stage: Stage, reply: Excerpt, wanted: Sequence[TensorForm]) -> None:
    """Raise `WorkerError` unless a reply holds exactly the tensors wanted."""
    alike = len(reply.tensors) == len(wanted) and all(
        form.fits(tensor) for form, tensor in zip(wanted, reply.tensors, strict=True)
    )
    if not alike:
        raise WorkerError("worker.other_transcript", phone=stage.serial)
