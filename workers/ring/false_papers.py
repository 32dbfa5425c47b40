"""What a worker signs and shows that is not what it did, as its fault says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workers.errors import IdentityError, RequestRefusedError
from workers.fault_names import FaultName
from workers.identity.canonical import EXACT_INTEGER_LIMIT
from workers.identity.receipts import ReceiptBody, sign_receipt
from workers.pledges.work_times import WorkTimes
from workers.protocol.commands import Excerpt
from workers.protocol.wire import Tensor
from workers.ring.faults import InjectedFault

_FORGED_ROOT: Final = "f" * 64
_BLOATED_NUMBERS: Final = 1 << 21


def check_disk(fault: InjectedFault, generated: int) -> None:
    """Raise `IdentityError`, as with no room for a receipt's number, where the fault says so."""
    if fault.is_active(FaultName.STORAGE_FULL, generated):
        raise IdentityError("identity.without_number")


def false_body(fault: InjectedFault, generated: int, body: ReceiptBody) -> ReceiptBody:
    """Return what is signed in place of what is true."""
    if fault.is_active(FaultName.CLAIMED_STEPS, generated):
        return replace(body, steps=body.steps + int(fault.amount))
    if fault.is_active(FaultName.FORGED_INPUT, generated):
        return replace(body, input_root=_FORGED_ROOT)
    return body


def false_signature(
    fault: InjectedFault, generated: int, body: ReceiptBody, signature: bytes
) -> bytes:
    """Return the signature of a key that nobody knows where the fault says so."""
    if not fault.is_active(FaultName.FOREIGN_KEY, generated):
        return signature
    return sign_receipt(body, Ed25519PrivateKey.generate())


def false_times(fault: InjectedFault, generated: int, times: WorkTimes) -> WorkTimes:
    """Return what is signed of the times of work: that more is stood by than was done."""
    if not fault.is_active(FaultName.FALSE_CLAIM, generated):
        return times
    factor = max(fault.amount, 1.0)
    rate = min(int(times.claimed_rate * factor), EXACT_INTEGER_LIMIT)
    return replace(
        times, claimed_rate=rate, claimed_overhead_us=int(times.claimed_overhead_us / factor)
    )


def false_excerpt(fault: InjectedFault, generated: int, excerpt: Excerpt) -> Excerpt:
    """Return what is shown of a transcript in place of what is in it.

    Raises `RequestRefusedError` for a phone that shows nothing.
    """
    shown = _false_tensors(fault, generated, excerpt.tensors)
    bloated = fault.is_active(FaultName.BLOATED_TRANSCRIPT, generated)
    return Excerpt(() if bloated else excerpt.steps, shown)


def false_grounds(
    fault: InjectedFault, generated: int, grounds: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Return what is shown of the grounds of tokens in place of what they are.

    Raises `RequestRefusedError` for a phone that shows nothing.
    """
    return _false_tensors(fault, generated, grounds)


def _false_tensors(
    fault: InjectedFault, generated: int, tensors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    if fault.is_active(FaultName.HIDDEN_TRANSCRIPT, generated):
        raise RequestRefusedError("transcript.hidden")
    if fault.is_active(FaultName.FORGED_TRANSCRIPT, generated):
        return tuple(map(_other, tensors))
    if fault.is_active(FaultName.BLOATED_TRANSCRIPT, generated):
        return (np.zeros((1, _BLOATED_NUMBERS), np.float32),)
    return tuple(tensors)


def _other(inputs: Tensor) -> Tensor:
    """Return inputs of the same form that are others: hidden states, or tokens."""
    return -inputs if inputs.dtype.kind == "f" else np.where(inputs > 0, inputs - 1, inputs + 1)
