"""What a `step` message carries: rows of one or several transactions, and where time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.errors import RequestRefusedError
from workers.fields import Fields
from workers.inbox import Envelope
from workers.wire import Tensor

MAXIMUM_ROWS = 1_024
MAXIMUM_AHEAD = 1_024
_MAXIMUM_COUNT = 1 << 32


@dataclass(frozen=True)
class StepRow:
    """One transaction's part of a step; `generated` is 0 where no token is wanted."""

    transaction: str
    step: int
    position: int
    wants_token: bool
    generated: int
    ahead: int = 0
    """How many more tokens the last stage may ask the first for by itself."""

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

    def fields(self) -> dict[str, Any]:
        """Return the row as it is sent."""
        return {
            "transaction": self.transaction,
            "step": self.step,
            "position": self.position,
            "wants_token": self.wants_token,
            "generated": self.generated,
            "ahead": self.ahead,
        }


@dataclass(frozen=True)
class Step:
    """A step as it arrived; `inputs` has a row for each of `rows`."""

    rows: tuple[StepRow, ...]
    trace: tuple[Any, ...]
    inputs: Tensor
    arrived_ns: int


def read_step(envelope: Envelope) -> Step:
    """Return the step in a message. Raises `RequestRefusedError` naming what is malformed."""
    fields, tensors = Fields(envelope.message.fields), envelope.message.tensors
    rows = fields.items("rows")
    if not 1 <= len(rows) <= MAXIMUM_ROWS or not all(isinstance(row, dict) for row in rows):
        raise RequestRefusedError("field rows is missing or malformed")
    if len(tensors) != 1 or tensors[0].ndim < 2 or tensors[0].shape[0] != len(rows):
        raise RequestRefusedError("a step carries one tensor with a row for each transaction")
    return Step(
        rows=tuple(_row(Fields(row)) for row in rows),
        trace=tuple(fields.items("trace")),
        inputs=tensors[0],
        arrived_ns=envelope.arrived_ns,
    )


def named_transactions(fields: Mapping[str, Any]) -> list[str]:
    """Return the transactions a step names, as far as they can be read."""
    rows = fields.get("rows")
    known = rows[:MAXIMUM_ROWS] if isinstance(rows, list) else []
    names = [row.get("transaction") for row in known if isinstance(row, dict)]
    return [name for name in names if isinstance(name, str)]


def _row(fields: Fields) -> StepRow:
    return StepRow(
        transaction=fields.text("transaction"),
        step=fields.integer("step", 0, _MAXIMUM_COUNT),
        position=fields.integer("position", 0, _MAXIMUM_COUNT),
        wants_token=fields.flag("wants_token"),
        generated=fields.integer("generated", 0, _MAXIMUM_COUNT),
        ahead=fields.integer("ahead", 0, MAXIMUM_AHEAD),
    )
