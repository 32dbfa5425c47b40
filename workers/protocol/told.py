"""What a worker says of its own accord, and that it could not do what it was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from workers.errors import (
    BoundaryOverflowError,
    NotFiniteError,
    ReportedError,
    StepMissingError,
    UnusableRowsError,
)
from workers.protocol.bounds import (
    MAXIMUM_TEXT,
    ByteCount,
    Integer,
    Items,
    Number,
    OneOf,
    ShortText,
    Tensors,
    Text,
    TokenId,
    Uint32,
)
from workers.protocol.commands import Spans, TransactionIds, TransactionText
from workers.protocol.message import Message
from workers.protocol.reasons import printable
from workers.protocol.sampling_rule import MAXIMUM_ALTERNATIVES, Choice, LogProbability
from workers.protocol.step_message import MAXIMUM_DRAFTS, MAXIMUM_ROWS, MAXIMUM_STAGES, TraceEntry
from workers.protocol.wire import Kind, Tensor

BROKEN_CODES: Final = (
    "",
    BoundaryOverflowError.code,
    NotFiniteError.code,
    UnusableRowsError.code,
    StepMissingError.code,
)
MAXIMUM_FIELDS: Final = 4
_MAXIMUM_NAME: Final = 32
Reason = Annotated[str, Text(minimum=0)]


class ToldField(NamedTuple):
    """What is to be filled in where people read a reason."""

    name: Annotated[str, Text(maximum=_MAXIMUM_NAME, ascii_only=True)]
    value: Annotated[str, Text(minimum=0)]


Fields = Annotated[tuple[ToldField, ...], Items(MAXIMUM_FIELDS)]


class ToldToken(NamedTuple):
    """The token of one transaction; none where none was wanted or a vector answers."""

    transaction: TransactionText
    step: Uint32
    generated: Uint32
    token: TokenId | None
    log_probability: LogProbability | None
    alternatives: Annotated[tuple[Choice, ...], Items(MAXIMUM_ALTERNATIVES)]
    goes_on: bool


@dataclass(frozen=True)
class Token(Message, kind=Kind.TOKEN):
    """What came of a step at its last stage, and where its time went."""

    rows: Annotated[tuple[ToldToken, ...], Items(MAXIMUM_ROWS, minimum=1)]
    trace: Annotated[tuple[TraceEntry, ...], Items(MAXIMUM_STAGES + 1)]
    drafts: Annotated[int, Integer(0, MAXIMUM_DRAFTS)] = 0
    """How many the step carried; where some were right the rows are those of one transaction."""
    proposed: Annotated[tuple[TokenId, ...], Items(MAXIMUM_DRAFTS)] = ()
    """Drafts that the host may send behind the newest token, where the ring does not go on."""
    tensors: Annotated[tuple[Tensor, ...], Tensors(1)] = ()


@dataclass(frozen=True)
class Broken(Message, kind=Kind.BROKEN):
    """A stage cannot do a step; said of all its transactions at once."""

    transactions: Annotated[tuple[TransactionText, ...], Items(MAXIMUM_ROWS, minimum=1)]
    serial: ShortText
    reason: Reason
    code: Annotated[str, OneOf(BROKEN_CODES)]
    fields: Fields = ()


@dataclass(frozen=True)
class Heartbeat(Message, kind=Kind.HEARTBEAT):
    """A worker is alive; `busy_ms` is how long its current step has been computing."""

    serial: ShortText
    sequence: Annotated[int, Integer(1, 1 << 50)]
    resident_bytes: ByteCount
    kv_bytes: ByteCount
    busy_ms: Annotated[float, Number(0.0, 1e9)]
    spans: Spans
    transactions: TransactionIds


@dataclass(frozen=True)
class Failed(Message, kind=Kind.FAILED):
    """A command was not carried out; `reason` is a code of `reasons`, else text."""

    reason: Reason
    fields: Fields = ()


def failure(error: ReportedError) -> Failed:
    """Return what is told of a command that failed."""
    return Failed(told_reason(error.reason), told_fields(error))


def told_reason(error: object) -> str:
    """Return an error's text as it may be told: short, and nothing in it that a screen obeys."""
    return printable(str(error))[:MAXIMUM_TEXT]


def told_fields(error: ReportedError) -> tuple[ToldField, ...]:
    """Return the fields of a reason, each as it may be told."""
    fields = error.fields[:MAXIMUM_FIELDS]
    return tuple(ToldField(name, told_reason(value)) for name, value in fields)
