"""Group commit: operations that wait at the same time share one commit and one signed head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import LedgerError
from app.ledger.ledger import Ledger

Operation = Callable[[Ledger], Any]


@dataclass(frozen=True)
class OperationOutcome:
    """What became of one operation: what it returned, or why none of it counts."""

    returned: Any = None
    error: Exception | None = None

    def result(self) -> Any:  # noqa: ANN401 - whatever the operation returns
        """Return what the operation returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return self.returned


def commit_together(ledger: Ledger, operations: Sequence[Operation]) -> list[OperationOutcome]:
    """Do the operations in turn, write all of it in one commit, return one outcome for each.

    Each one sees what those before it did. One that raises is undone alone, the others stand.
    Where the commit fails none stands, and each outcome has that `LedgerError`.
    """
    try:
        with ledger.atomic():
            return [_done(ledger, operation) for operation in operations]
    except LedgerError as error:
        return [OperationOutcome(error=LedgerError(error.fact)) for _ in operations]


def _done(ledger: Ledger, operation: Operation) -> OperationOutcome:
    try:
        with ledger.atomic():
            return OperationOutcome(operation(ledger))
    except Exception as error:  # noqa: BLE001 - it is raised again where the operation came from
        return OperationOutcome(error=error)
