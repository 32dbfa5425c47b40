"""How the host has a stage run again: its steps sent once more, what it signs, what it opens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from app.core.errors import PhoneLostError, WorkerError
from app.pipeline.collection import PIECE_BYTES, SLOWEST_BYTES_PER_SECOND
from app.pipeline.stage import Stage
from workers.protocol.boundary import Boundary
from workers.protocol.replay_commands import (
    MAXIMUM_OPENED_LEAVES,
    MAXIMUM_REPLAYED_STEPS,
    BeginReplay,
    EndReplay,
    OpenStates,
    ReplaySteps,
    ShowCanary,
    SignStates,
    StatesSigned,
)
from workers.protocol.wire import Tensor

BEGIN_TIMEOUT_S: Final = 60.0
STEPS_TIMEOUT_S: Final = 120.0
SIGN_TIMEOUT_S: Final = 30.0
END_TIMEOUT_S: Final = 5.0
STEPS_AT_ONCE: Final = 16
"""So that a worker soon comes to other work between them."""
OPENED_AT_ONCE_BYTES: Final = 4 << 20


@dataclass(frozen=True)
class ReplayedStep:
    """A step to run again."""

    position: int
    inputs: Tensor


@dataclass(frozen=True)
class WantedLeaf:
    """A leaf to open, and how large its row may be at most."""

    number: int
    size_bytes: int


@dataclass(frozen=True)
class ShownLeaves:
    """Rows by the numbers of their leaves, as one answer brought them, with its proof."""

    rows: dict[int, Tensor]
    proof: tuple[bytes, ...]


async def canary(stage: Stage, threads: int) -> tuple[Tensor, ...]:
    """Return the products that a phone's numerical class is a digest of."""
    return (await stage.client.call(ShowCanary(threads), SIGN_TIMEOUT_S)).tensors


@asynccontextmanager
async def replaying(
    stage: Stage, boundary: Boundary, states: Sequence[str], steps: Sequence[ReplayedStep]
) -> AsyncIterator[StatesSigned]:
    """Have all steps run again and signed for; the phone holds them as long as this is entered.

    Raises `PhoneLostError` or `WorkerError` where the phone does not do so in time.
    """
    await stage.client.call(BeginReplay(stage.span, boundary, tuple(states)), BEGIN_TIMEOUT_S)
    try:
        for some in _pieces(steps):
            positions = tuple(step.position for step in some)
            tensors = tuple(step.inputs for step in some)
            await stage.client.call(ReplaySteps(positions, tensors), STEPS_TIMEOUT_S)
        yield await stage.client.call(SignStates(), SIGN_TIMEOUT_S)
    finally:
        with suppress(PhoneLostError, WorkerError):  # what it showed counts, however it ends
            await stage.client.call(EndReplay(), END_TIMEOUT_S)


async def opened(stage: Stage, leaves: Sequence[WantedLeaf]) -> list[ShownLeaves]:
    """Return rows of states, a bounded number at a time.

    Raises `PhoneLostError` or `WorkerError` where the phone shows something else or nothing.
    """
    shown = []
    for some in _portions(leaves):
        size_bytes = sum(leaf.size_bytes for leaf in some)
        numbers = tuple(leaf.number for leaf in some)
        limit_s = STEPS_TIMEOUT_S + size_bytes / SLOWEST_BYTES_PER_SECOND
        reply = await stage.client.call(OpenStates(numbers), limit_s)
        fits = len(reply.tensors) == len(some) and all(
            tensor.nbytes == leaf.size_bytes
            for leaf, tensor in zip(some, reply.tensors, strict=True)
        )
        if not fits:
            raise WorkerError("worker.other_states", phone=stage.serial)
        shown.append(ShownLeaves(dict(zip(numbers, reply.tensors, strict=True)), reply.proof))
    return shown


def _pieces(steps: Sequence[ReplayedStep]) -> Iterator[list[ReplayedStep]]:
    """Yield steps in order, so many that they fit a piece, at least one."""
    some: list[ReplayedStep] = []
    for step in steps:
        size_bytes = sum(each.inputs.nbytes for each in (*some, step))
        most = min(STEPS_AT_ONCE, MAXIMUM_REPLAYED_STEPS)
        if some and (len(some) == most or size_bytes > PIECE_BYTES):
            yield some
            some = []
        some.append(step)
    if some:
        yield some


def _portions(leaves: Sequence[WantedLeaf]) -> Iterator[list[WantedLeaf]]:
    some: list[WantedLeaf] = []
    size_bytes = 0
    for leaf in leaves:
        full = len(some) == MAXIMUM_OPENED_LEAVES
        if some and (full or size_bytes + leaf.size_bytes > OPENED_AT_ONCE_BYTES):
            yield some
            some, size_bytes = [], 0
        some.append(leaf)
        size_bytes += leaf.size_bytes
    if some:
        yield some
