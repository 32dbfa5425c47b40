"""What a `step` message carries: rows of one or several transactions, and where time went.

It crosses between phones at every token and is therefore one frame of fixed layout, little-endian
throughout: a header, what each stage so far took, the rows, the tensor. Its first byte is one that
no msgpack map begins with. docs/wire-protocol.md gives every field.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from struct import Struct
from typing import Annotated, Final, NamedTuple

import numpy as np

from workers.errors import RequestRefusedError
from workers.protocol.bounds import Integer, Uint32
from workers.protocol.wire import DTYPES, MAXIMUM_TENSOR_BYTES, Tensor

MAXIMUM_ROWS: Final = 1_024
MAXIMUM_AHEAD: Final = 1_024
MAXIMUM_DRAFTS: Final = 12
"""Tokens behind the first that are each a step of its own, guessed or certain."""
MAXIMUM_IDENTIFIER: Final = 32
"""ASCII characters in the id of a transaction."""
MAXIMUM_STAGES: Final = 4_096
_MARK: Final = 0xC1
_HEADER: Final = Struct("<BBHHxxII")
_TIMES: Final = Struct("<IIIIIIQ")
MAXIMUM_TIME_US: Final = (1 << 32) - 1
MAXIMUM_CLOCK_US: Final = (1 << 63) - 1
ClockTime = Annotated[int, Integer(0, MAXIMUM_CLOCK_US)]
"""Microseconds of a phone's own monotonic clock."""
_ROW: Final = Struct(f"<{MAXIMUM_IDENTIFIER}sIIIHBB")
_TYPES: Final = tuple(DTYPES.values())
_TYPE_NUMBERS: Final = {dtype: number for number, dtype in enumerate(_TYPES)}


class TraceEntry(NamedTuple):
    """Where a stage's time went, in microseconds."""

    stage: Uint32
    compute_us: Uint32
    queue_us: Uint32 = 0
    """From taking the step from the socket until it was taken up."""
    run_us: Uint32 = 0
    """Of computing, inside the inference engine."""
    send_us: Uint32 = 0
    """From having the output until it was handed to the socket."""
    idle_us: Uint32 = 0
    """How long the phone had nothing to do before the step came; at most `MAXIMUM_TIME_US`."""
    arrived_us: ClockTime = 0
    """When the step was taken from the socket, by the phone's own monotonic clock."""

    def sent_at(self, now_ns: int) -> TraceEntry:
        """Return the entry of a step that is handed to the socket now."""
        ready_us = self.arrived_us + self.queue_us + self.compute_us
        return self._replace(send_us=min(max(now_ns // 1000 - ready_us, 0), MAXIMUM_TIME_US))


class StepRow(NamedTuple):
    """One transaction's part of a step; `generated` is 0 where no token is wanted."""

    transaction: str
    step: int
    position: int
    wants_token: bool
    generated: int
    ahead: int = 0
    """How many more tokens the last stage may ask the first for by itself."""
    drafts: int = 0
    """How many tokens behind the first are each a step of its own: where a token is wanted they are
    guesses, and steps only if they stand; where none is, they are certain like the first."""

    @property
    def reads_singly(self) -> bool:
        """Whether it is of several certain tokens, each to be computed as if it came alone."""
        return self.drafts > 0 and not self.wants_token

    @property
    def newest(self) -> int:
        """The number of the last token that may be chosen in it."""
        return self.generated + self.drafts if self.wants_token else self.generated

    def draft(self, index: int) -> StepRow:
        """Return the row of one of its tokens, the first being 0: as if it had been sent alone."""
        return StepRow(
            self.transaction,
            self.step + index,
            self.position + index,
            self.wants_token,
            self.generated + (index if self.wants_token else 0),
            max(self.ahead - index, 0),
        )

    def following(self, tokens: int) -> StepRow:
        """Return the row of the next token, after a step of so many."""
        return StepRow(
            self.transaction,
            self.step + 1,
            self.position + tokens,
            wants_token=True,
            generated=self.generated + 1,
            ahead=self.ahead - 1,
        )


class Step(NamedTuple):
    """A step as it arrived; `inputs` has a row for each of `rows`, and cannot be written to."""

    rows: tuple[StepRow, ...]
    inputs: Tensor
    times: memoryview
    """The trace as it came."""
    table: memoryview
    """The rows as they came."""

    def with_drafts(self, drafts: int) -> Step:
        """Return the step of one row with so many of its drafts, the first ones."""
        row = self.rows[0]._replace(drafts=drafts)
        inputs = self.inputs[:, : 1 + drafts]
        return self._replace(rows=(row,), inputs=inputs, table=memoryview(_packed(row)))

    @property
    def stages(self) -> int:
        """How many have told of themselves."""
        return len(self.times) // _TIMES.size

    @property
    def trace(self) -> tuple[TraceEntry, ...]:
        """What each stage so far took."""
        return tuple(map(TraceEntry._make, _TIMES.iter_unpack(self.times)))


def is_step(frame: memoryview) -> bool:
    """Tell whether a message that begins with this frame is a step."""
    return len(frame) > 0 and frame[0] == _MARK


def step_frame(rows: Sequence[StepRow], trace: Sequence[TraceEntry], tensor: Tensor) -> bytes:
    """Return a step as it is sent; the tensor is `[rows, tokens]` or `[rows, tokens, numbers]`.

    Raises `struct.error` for numbers beyond 32 bits, `KeyError` for a tensor of another type.
    """
    times = [_TIMES.pack(*entry) for entry in trace]
    header = _header(len(rows), len(trace), tensor)
    return b"".join((header, *times, *map(_packed, rows), tensor.tobytes()))


def frame_bytes(rows: int, stages: int, tensor_bytes: int) -> int:
    """Return how long a step's frame is that passed so many stages."""
    return _HEADER.size + stages * _TIMES.size + rows * _ROW.size + tensor_bytes


def passed_on(step: Step, entry: TraceEntry, tensor: Tensor) -> bytes:
    """Return a step as the next stage gets it: the same rows, one more stage, its own tensor."""
    header = _header(len(step.rows), step.stages + 1, tensor)
    return b"".join((header, step.times, _TIMES.pack(*entry), step.table, tensor.tobytes()))


def read_step(frame: memoryview) -> Step:
    """Return the step in a frame. Raises `RequestRefusedError` naming what is malformed."""
    kind, rows, trace, tokens, numbers = _counts(frame)
    rows_start = _HEADER.size + trace * _TIMES.size
    start = rows_start + rows * _ROW.size
    shape = (rows, tokens, numbers) if numbers else (rows, tokens)
    dtype = _TYPES[kind]
    size_bytes = math.prod(shape) * dtype.itemsize
    if size_bytes > MAXIMUM_TENSOR_BYTES or start + size_bytes != len(frame):
        raise RequestRefusedError("step.odd_tensor")
    table = frame[rows_start:start]
    told = _rows(table)
    if any(row.drafts for row in told) and not _are_singles(told, tokens):
        raise RequestRefusedError("step.odd_row")
    times = frame[_HEADER.size : rows_start]
    if any(arrived_us > MAXIMUM_CLOCK_US for *_, arrived_us in _TIMES.iter_unpack(times)):
        raise RequestRefusedError("step.odd_header")
    inputs: Tensor = np.ndarray(shape, dtype, frame, start)
    return Step(told, inputs, times, table)


def named_transactions(frame: memoryview) -> list[str]:
    """Return the transactions that a step names, none where that cannot be read."""
    try:
        _, rows, trace, _, _ = _counts(frame)
        start = _HEADER.size + trace * _TIMES.size
        return [row.transaction for row in _rows(frame[start : start + rows * _ROW.size])]
    except RequestRefusedError:
        return []


def _counts(frame: memoryview) -> tuple[int, int, int, int, int]:
    """Return type, rows, stages in the trace, tokens a row and numbers a token."""
    if len(frame) < _HEADER.size:
        raise RequestRefusedError("step.too_short")
    _, kind, rows, trace, tokens, numbers = _HEADER.unpack_from(frame)
    if kind >= len(_TYPES) or not 1 <= rows <= MAXIMUM_ROWS or trace > MAXIMUM_STAGES:
        raise RequestRefusedError("step.odd_header")
    if not tokens or len(frame) < _HEADER.size + trace * _TIMES.size + rows * _ROW.size:
        raise RequestRefusedError("step.too_short")
    return kind, rows, trace, tokens, numbers


def _header(rows: int, stages: int, tensor: Tensor) -> bytes:
    tokens, numbers = tensor.shape[1], tensor.shape[2] if tensor.ndim > 2 else 0
    return _HEADER.pack(_MARK, _TYPE_NUMBERS[tensor.dtype], rows, stages, tokens, numbers)


def _packed(row: StepRow) -> bytes:
    identifier = row.transaction.encode("ascii")
    return _ROW.pack(
        identifier,
        row.step,
        row.position,
        row.generated,
        row.ahead,
        row.wants_token,
        row.drafts,
    )


def _rows(table: memoryview) -> tuple[StepRow, ...]:
    return tuple(map(_row, _ROW.iter_unpack(table)))


def _are_singles(rows: Sequence[StepRow], tokens: int) -> bool:
    """Tell whether a step is one row of a token and others behind it, each a step of its own.

    Of drafts all may be asked for, and where no token is wanted none is numbered.
    """
    row = rows[0]
    if len(rows) != 1 or tokens != 1 + row.drafts or row.drafts > MAXIMUM_DRAFTS:
        return False
    return row.drafts <= row.ahead if row.wants_token else row.generated == row.ahead == 0


def _row(values: tuple[bytes, int, int, int, int, int, int]) -> StepRow:
    identifier, step, position, generated, ahead, wants_token, drafts = values
    if ahead > MAXIMUM_AHEAD or wants_token > 1 or not identifier.isascii():
        raise RequestRefusedError("step.odd_row")
    transaction = identifier.rstrip(b"\0").decode("ascii")
    return StepRow(transaction, step, position, wants_token == 1, generated, ahead, drafts)
