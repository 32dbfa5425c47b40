"""What audits ask of phones: what tokens rest on, a stage run again, rows put through layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from workers.protocol.boundary import Boundary
from workers.protocol.bounds import Integer, Items, Octets, ShortText, Tensors, Uint32
from workers.protocol.commands import (
    MAXIMUM_EXCERPT_STEPS,
    SIGNATURE_BYTES,
    Done,
    Threads,
    TransactionText,
)
from workers.protocol.message import Reply, WorkerCommand
from workers.protocol.wire import Kind, Tensor

MAXIMUM_STATES: Final = 8_192
MAXIMUM_REPLAYED_STEPS: Final = 256
"""In one message: a worker does nothing else meanwhile."""
MAXIMUM_OPENED_LEAVES: Final = 8_192
MAXIMUM_OPENING_HASHES: Final = 16_384
MAXIMUM_STATEMENT_BYTES: Final = 4_096
CANARY_PRODUCTS: Final = 5
MAXIMUM_RECOMPUTED_ROWS: Final = 128


@dataclass(frozen=True)
class CanaryShown(Reply):
    """The products that the numerical class is a digest of, in its order."""

    tensors: Annotated[tuple[Tensor, ...], Tensors(CANARY_PRODUCTS)] = ()


@dataclass(frozen=True)
class ShowCanary(WorkerCommand[CanaryShown], kind=Kind.CANARY):
    """Compute the products of the numerical class."""

    threads: Threads


@dataclass(frozen=True)
class Grounds(Reply):
    """What tokens rest on, one tensor a step; without a number where none was wanted."""

    tensors: Annotated[tuple[Tensor, ...], Tensors(MAXIMUM_EXCERPT_STEPS)] = ()


@dataclass(frozen=True)
class ShowGrounds(WorkerCommand[Grounds], kind=Kind.GROUNDS):
    """Show what tokens rest on, for an audit; for the last stage."""

    transaction: TransactionText
    first_step: Uint32
    count: Annotated[int, Integer(1, MAXIMUM_EXCERPT_STEPS)]


@dataclass(frozen=True)
class BeginReplay(WorkerCommand[Done], kind=Kind.REPLAY):
    """Load a span once more, these of its values in view; an earlier replay is given up."""

    span: ShortText
    boundary: Boundary
    states: Annotated[tuple[ShortText, ...], Items(MAXIMUM_STATES)]


@dataclass(frozen=True)
class ReplaySteps(WorkerCommand[Done], kind=Kind.REPLAY_STEPS):
    """Run the next steps, one input tensor each, which begin at these positions."""

    positions: Annotated[tuple[Uint32, ...], Items(MAXIMUM_REPLAYED_STEPS, minimum=1)]
    tensors: Annotated[tuple[Tensor, ...], Tensors(MAXIMUM_REPLAYED_STEPS)] = ()


@dataclass(frozen=True)
class StatesSigned(Reply):
    """What the phone states of the replay, and its signature."""

    statement: Annotated[bytes, Octets(1, MAXIMUM_STATEMENT_BYTES)]
    signature: Annotated[bytes, Octets(SIGNATURE_BYTES, SIGNATURE_BYTES)]


@dataclass(frozen=True)
class SignStates(WorkerCommand[StatesSigned], kind=Kind.SIGN_STATES):
    """Sign the root over all states of all steps so far."""


@dataclass(frozen=True)
class StatesOpened(Reply):
    """Rows of states as they were asked for, and what leads from them to the signed root."""

    proof: Annotated[tuple[Annotated[bytes, Octets(32, 32)], ...], Items(MAXIMUM_OPENING_HASHES)]
    tensors: Annotated[tuple[Tensor, ...], Tensors(MAXIMUM_OPENED_LEAVES)] = ()


@dataclass(frozen=True)
class OpenStates(WorkerCommand[StatesOpened], kind=Kind.OPEN_STATES):
    """Show rows of states by their leaves."""

    leaves: Annotated[
        tuple[Annotated[int, Integer(0, (1 << 32) - 1)], ...],
        Items(MAXIMUM_OPENED_LEAVES, minimum=1),
    ]


@dataclass(frozen=True)
class EndReplay(WorkerCommand[Done], kind=Kind.END_REPLAY):
    """Let go of the replay and its memory."""


@dataclass(frozen=True)
class RowsRecomputed(Reply):
    """What left the layers: one tensor, `f4 [1, rows, hidden]`."""

    tensors: Annotated[tuple[Tensor, ...], Tensors(1)] = ()


@dataclass(frozen=True)
class Recompute(WorkerCommand[RowsRecomputed], kind=Kind.RECOMPUTE):
    """Put rows through a span that no transaction uses, behind those before; no receipt is made.

    One tensor, of so many rows as a worker soon comes to other work between them
    (`MAXIMUM_RECOMPUTED_ROWS`).
    """

    span: ShortText
    position: Uint32
    tensors: Annotated[tuple[Tensor, ...], Tensors(1)] = ()
