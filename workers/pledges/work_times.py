"""What a phone signs of a transaction beside its receipt: what it took, and what it stands by.

Both are its own word under its own key, so that one statement alone shows whether it stands by more
than it did, to anybody. Nothing that a host measures can be put in here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final

from workers.errors import ReceiptError
from workers.identity.canonical import EXACT_INTEGER_LIMIT, canonical_text
from workers.identity.receipts import verify_signature
from workers.protocol.bounds import (
    Digest,
    FieldError,
    Integer,
    ShortText,
    Text,
    Uint32,
    read_fields,
)
from workers.protocol.commands import MAXIMUM_TIMES_BYTES, Stage, TransactionText
from workers.protocol.forms import field_forms

TIMES_DOMAIN: Final = b"poip/v1/work-times\0"
HELD_PER_MILLE: Final = 800
"""Who does less than so many thousandths of what it stands by falls short."""
FEWEST_STEPS: Final = 8
"""Of fewer steps nothing is judged."""
_US: Final = 1_000_000
_Exact = Annotated[int, Integer(0, EXACT_INTEGER_LIMIT)]
_Rate = Annotated[int, Integer(1, EXACT_INTEGER_LIMIT)]


@dataclass(frozen=True)
class WorkTimes:
    """One phone's statement of one transaction; times in microseconds, sizes in bytes.

    Timed are steps of one row alone, the first left out: `steps` of them took `taken_us`, and each
    read `weight_bytes`.
    """

    transaction: TransactionText
    stage: Stage
    serial: ShortText
    host_key: Annotated[str, Digest()]
    nonce: Annotated[str, Text(32, 32, ascii_only=True)]
    """What the phone drew when it opened the transaction: its receipt has it too."""
    steps: Uint32
    taken_us: _Exact
    weight_bytes: _Exact
    claimed_rate: _Rate
    """Bytes of weights a second that it stands by."""
    claimed_overhead_us: _Exact
    """Of a step, whatever it reads."""
    memory_bytes: _Exact
    """What it had for layers: those it held and what was free."""
    claimed_memory_bytes: _Exact

    @property
    def counts(self) -> bool:
        """Whether enough steps were timed to judge by."""
        return self.steps >= FEWEST_STEPS and self.taken_us > 0

    @property
    def claimed_us(self) -> int:
        """What its steps take by what it stands by."""
        return self.steps * (
            self.weight_bytes * _US // self.claimed_rate + self.claimed_overhead_us
        )

    @property
    def falls_short(self) -> bool:
        """Whether it stands by more than it did, by its own word: of its rate or its memory."""
        slow = self.claimed_us * 1000 < HELD_PER_MILLE * self.taken_us
        small = self.memory_bytes * 1000 < HELD_PER_MILLE * self.claimed_memory_bytes
        return self.counts and (slow or small)


_FORMS: Final = field_forms(WorkTimes)


def times_bytes(times: WorkTimes) -> bytes:
    """Return the bytes that are signed, without the domain tag: canonical JSON."""
    return canonical_text(vars(times)).encode()


def read_times(data: bytes) -> WorkTimes:
    """Return what a statement says, signature not looked at. Raises `ReceiptError`."""
    if len(data) > MAXIMUM_TIMES_BYTES:
        raise ReceiptError("receipt.too_large")
    try:
        content: Any = json.loads(data)
        if not isinstance(content, dict) or content.keys() != _FORMS.keys():
            raise ReceiptError("receipt.other_fields")
        times = WorkTimes(*read_fields(_FORMS, content))
        canonical = times_bytes(times)
    except FieldError as error:
        raise ReceiptError(error.reason, **dict(error.fields)) from None
    except (ValueError, RecursionError):
        raise ReceiptError("receipt.no_json") from None
    if canonical != data:
        raise ReceiptError("receipt.not_canonical")
    return times


def verify_times(data: bytes, signature: bytes, public_key: bytes) -> WorkTimes:
    """Return what was signed. Raises `ReceiptError` unless everything about it holds."""
    times = read_times(data)
    verify_signature(TIMES_DOMAIN + data, signature, public_key)
    return times
