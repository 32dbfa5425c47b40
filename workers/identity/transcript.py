"""What went into and came out of a shard in one transaction: inputs kept, both sides hashed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from workers.errors import RequestRefusedError, TranscriptFullError
from workers.identity.choices import choice_leaf
from workers.identity.grounds import grounds_leaf
from workers.identity.merkle import leaf_hash, root_hash
from workers.protocol.wire import CODES, Tensor

CHUNK_BYTES = 4096
MAXIMUM_BYTES = 256 << 20
"""Memory set aside for the inputs of one transaction."""
NO_TOKEN = -1
"""What a last stage commits to for a step that wanted no answer."""
_UNANSWERED: Final = np.array([NO_TOKEN], np.int64)


@dataclass(frozen=True)
class RecordedStep:
    """One step's input as it arrived."""

    step: int
    position: int
    inputs: Tensor

    @property
    def end(self) -> int:
        """How many rows are in the cache after it."""
        return self.position + int(self.inputs.shape[1])


@dataclass(frozen=True)
class TranscriptSeal:
    """What a receipt says of a transcript; roots are 32 bytes."""

    input_root: bytes
    output_root: bytes
    choices_root: bytes
    """Over how tokens were to be chosen; over nothing where the stage chooses none."""
    grounds_root: bytes
    """Over what tokens rest on; likewise."""
    steps: int
    tokens: int


def step_leaves(tensor: Tensor, position: int) -> list[bytes]:
    """Return the leaf hashes of one tensor: a header leaf, then one per 4,096 bytes.

    The header is ASCII `<dtype> <shape, comma separated> <position>`.
    """
    header = f"{CODES[tensor.dtype]} {','.join(map(str, tensor.shape))} {position}"
    data = memoryview(tensor.tobytes())
    chunks = (data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES))
    return [leaf_hash(header.encode("ascii")), *map(leaf_hash, chunks)]


class Transcript:
    """Grows by one step at a time; steps count from 0."""

    def __init__(self, maximum_bytes: int = MAXIMUM_BYTES) -> None:
        self._maximum_bytes = maximum_bytes
        self._steps: list[RecordedStep] = []
        self._input_leaves: list[bytes] = []
        self._output_leaves: list[bytes] = []
        self._choices: list[bytes] = []
        """A leaf a step where the stage chooses tokens."""
        self._grounds: list[Tensor | None] = []
        self._grounds_leaves: list[bytes] = []
        self._ends: list[tuple[int, int]] = [(0, 0)]
        """How many leaves of inputs and outputs there are after so many steps."""
        self._size_bytes = 0
        self._rows = 0
        self.gapless = True
        """Whether each step began where the one before ended: none overwrote another's rows."""

    @property
    def size_bytes(self) -> int:
        """Memory that the inputs take, and what tokens rest on."""
        return self._size_bytes

    @property
    def next_step(self) -> int:
        """Number of the step that comes next."""
        return len(self._steps)

    @property
    def rows(self) -> int:
        """Rows in the cache where its newest step ended."""
        return self._rows

    def check_room(self, size_bytes: int) -> None:
        """Raise `TranscriptFullError` where a step with inputs of that size cannot be recorded."""
        if self._size_bytes + size_bytes > self._maximum_bytes:
            raise TranscriptFullError("transcript.full", limit=f"{self._maximum_bytes:,}")

    def record(
        self,
        position: int,
        inputs: Tensor,
        outputs: Tensor,
        choice: bytes | None = None,
        grounds: Tensor | None = None,
    ) -> None:
        """Add a step: `inputs` as received, `outputs` as sent on (`i8 [1]` on the last stage).

        Where the stage chooses tokens, `choice` is the leaf of how (`choices.choice_leaf`), and
        `grounds` what one rests on (`grounds.grounds_of`).
        """
        self.check_room(inputs.nbytes)
        self._add(RecordedStep(len(self._steps), position, inputs), step_leaves(inputs, position))
        self._commit(step_leaves(outputs, position), choice, grounds)

    def _add(self, step: RecordedStep, leaves: list[bytes]) -> None:
        self._steps.append(step)
        self._input_leaves += leaves
        self._size_bytes += step.inputs.nbytes
        self.gapless = self.gapless and step.position == self._rows
        self._rows = step.end

    def _commit(self, leaves: list[bytes], choice: bytes | None, grounds: Tensor | None) -> None:
        self._output_leaves += leaves
        if choice is not None:
            self._choices.append(choice)
            self._grounds.append(grounds)
            self._grounds_leaves.append(grounds_leaf(grounds))
            self._size_bytes += _size(grounds)
        self._ends.append((len(self._input_leaves), len(self._output_leaves)))

    def withdraw(self, steps: int) -> None:
        """Forget all but so many first steps, as if the others had never come."""
        self._size_bytes -= sum(step.inputs.nbytes for step in self._steps[steps:])
        self._size_bytes -= sum(map(_size, self._grounds[steps:]))
        del self._steps[steps:], self._ends[steps + 1 :], self._choices[steps:]
        del self._grounds[steps:], self._grounds_leaves[steps:]
        inputs, outputs = self._ends[steps]
        del self._input_leaves[inputs:], self._output_leaves[outputs:]
        self._rows = self._steps[-1].end if self._steps else 0

    def rows_of(self, steps: int) -> int | None:
        """Return how many rows the first steps left in the cache; None where that is not known.

        It is not where there are fewer steps, or where some step went back to overwrite rows.
        """
        if not self.gapless or steps > len(self._steps):
            return None
        return self._steps[steps - 1].end if steps else 0

    def beginning(self, steps: int, *, answers: bool) -> Transcript:
        """Return a transcript of the first steps, for another transaction to go on with.

        Where the stage `answers`, nobody wants an answer of these steps any more.
        """
        copy = Transcript(self._maximum_bytes)
        for number, step in enumerate(self._steps[:steps]):
            (inputs, outputs), (inputs_end, outputs_end) = self._ends[number : number + 2]
            copy._add(step, self._input_leaves[inputs:inputs_end])
            unanswered = step_leaves(_UNANSWERED, step.position) if answers else None
            choice = choice_leaf(None) if answers else None
            copy._commit(unanswered or self._output_leaves[outputs:outputs_end], choice, None)
        return copy

    def excerpt(self, first_step: int, count: int, maximum_bytes: int) -> list[RecordedStep]:
        """Return up to `count` steps, fewer where they exceed that size, at least one.

        Raises `RequestRefusedError` where the first step was never recorded.
        """
        if not 0 <= first_step < len(self._steps):
            raise RequestRefusedError("transcript.without_step", step=first_step)
        chosen: list[RecordedStep] = []
        size_bytes = 0
        for recorded in self._steps[first_step : first_step + count]:
            size_bytes += recorded.inputs.nbytes
            if chosen and size_bytes > maximum_bytes:
                break
            chosen.append(recorded)
        return chosen

    def grounds(self, first_step: int, count: int) -> list[Tensor | None]:
        """Return what the tokens of `count` steps rest on, None of steps that wanted none.

        Raises `RequestRefusedError` where there are not so many steps that choose tokens.
        """
        some = self._grounds[first_step : first_step + count]
        if len(some) < count:
            raise RequestRefusedError("transcript.without_step", step=first_step + len(some))
        return some

    def seal(self, most_steps: int | None = None) -> TranscriptSeal:
        """Return roots and counts of the first steps recorded, by default of all."""
        recorded = self._steps[:most_steps]
        inputs, outputs = self._ends[len(recorded)]
        return TranscriptSeal(
            root_hash(self._input_leaves[:inputs]),
            root_hash(self._output_leaves[:outputs]),
            root_hash(self._choices[: len(recorded)]),
            root_hash(self._grounds_leaves[: len(recorded)]),
            len(recorded),
            sum(step.inputs.shape[1] for step in recorded),
        )


def _size(grounds: Tensor | None) -> int:
    return 0 if grounds is None else grounds.nbytes
