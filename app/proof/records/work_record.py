"""What one transaction read and answered, step by step: what its receipts' outer roots are over.

The first stage signed a root over the tokens it read, the last over the tokens it answered with,
each with its figures. Whoever has the record can work out both and compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import rfc8785

from app.core.errors import BadInputError
from app.proof.records.json_fields import (
    Fields,
    flag,
    json_object,
    records,
    text,
    whole_number,
    whole_numbers,
)
from app.proof.records.tensor_fields import read_tensor, written
from workers.identity.answer_leaf import no_answer
from workers.identity.merkle import root_hash
from workers.identity.transcript import step_leaves
from workers.protocol.bounds import is_digest
from workers.protocol.wire import Tensor

_TYPE: Final = "poip/v3/work"


@dataclass(frozen=True)
class WorkStep:
    """Tokens read in one step, from a position on, and what the last stage committed to."""

    position: int
    tokens: tuple[int, ...]
    wanted: bool
    """Whether an answer was wanted."""
    answer: Tensor | None
    """A token with its figures (`workers.identity.answer_leaf`) or a vector; None where unwanted or
    where it was lost on its way."""
    leaves: tuple[str, ...] = ()
    """Of pixels that were sent in place of the tokens (`workers.identity.transcript.step_leaves`),
    hexadecimal: they are not kept themselves."""

    def input_leaves(self) -> list[bytes]:
        """Return the leaves of what was read."""
        if self.leaves:
            return [bytes.fromhex(each) for each in self.leaves]
        return step_leaves(np.array([self.tokens], "<i8"), self.position)

    @property
    def input_root(self) -> str:
        """The root over what was read, hexadecimal."""
        return root_hash(self.input_leaves()).hex()


@dataclass(frozen=True)
class WorkRecord:
    """All steps of a transaction, in order; the last ones may have come to no end."""

    transaction: str
    steps: tuple[WorkStep, ...]

    def content(self) -> bytes:
        """Return the bytes whose SHA-256 stands for the record."""
        steps = [
            {
                "position": step.position,
                "tokens": list(step.tokens),
                "wanted": step.wanted,
                "answer": None if step.answer is None else written(step.answer),
                **({"leaves": list(step.leaves)} if step.leaves else {}),
            }
            for step in self.steps
        ]
        return rfc8785.dumps({"type": _TYPE, "transaction": self.transaction, "steps": steps})

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Return what such bytes say. Raises `BadInputError` for any other."""
        fields = json_object(data)
        steps = tuple(_step(each) for each in records(fields, "steps"))
        read = cls(text(fields, "transaction"), steps)
        if read.content() != data:
            raise BadInputError("proof.not_canonical")
        return read

    def input_root(self, steps: int) -> str:
        """Return the root over what was read in the first steps, hexadecimal."""
        leaves = (leaf for step in self.steps[:steps] for leaf in step.input_leaves())
        return root_hash(list(leaves)).hex()

    def output_root(self, steps: int) -> str | None:
        """Return the root over what the first steps were answered with, hexadecimal.

        None where an answer among them was lost: nobody can say what was signed for it.
        """
        if any(step.wanted and step.answer is None for step in self.steps[:steps]):
            return None
        tensors = [
            no_answer() if step.answer is None else step.answer for step in self.steps[:steps]
        ]
        return _root(self.steps, tensors)

    @property
    def tokens(self) -> tuple[int, ...]:
        """All tokens that were read, in the order of their positions."""
        return tuple(token for step in self.steps for token in step.tokens)

    @property
    def answers(self) -> tuple[Tensor, ...]:
        """What was answered, in order."""
        return tuple(step.answer for step in self.steps if step.answer is not None)

    def check_order(self) -> None:
        """Raise `BadInputError` unless each step goes on where the one before ended."""
        end = 0
        for step in self.steps:
            if step.position != end or not step.tokens:
                raise BadInputError("proof.steps_out_of_order", transaction=self.transaction)
            end += len(step.tokens)


def _root(steps: Iterable[WorkStep], tensors: Sequence[Tensor]) -> str:
    pairs = zip(steps, tensors, strict=False)
    return root_hash(
        [leaf for step, tensor in pairs for leaf in step_leaves(tensor, step.position)]
    ).hex()


def _step(fields: Fields) -> WorkStep:
    answer = fields.get("answer")
    if not (answer is None or isinstance(answer, dict)):
        raise BadInputError("proof.odd_field", field="answer")
    return WorkStep(
        whole_number(fields, "position"),
        whole_numbers(fields, "tokens"),
        flag(fields, "wanted"),
        None if answer is None else read_tensor(answer),
        _leaves(fields),
    )


def _leaves(fields: Fields) -> tuple[str, ...]:
    leaves = fields.get("leaves", [])
    if not (isinstance(leaves, list) and all(map(is_digest, leaves))):
        raise BadInputError("proof.odd_field", field="leaves")
    return tuple(leaves)
