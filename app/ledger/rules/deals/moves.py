"""The states of a transaction and the moves between them: the one table of what is allowed.

Each move is an entry of the journal: `open` to `committed` (for so many tokens, by a deadline), to
`settled` (who is paid is fixed), to `released` (the evidence window is over, they are). An audit
that does not pass makes it `disputed`; a host that takes back tokens, `rolled-back`. All end as
`released` or as `void`, with the escrow given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.core.errors import LedgerError
from app.ledger.rules.state import TransactionRecord, TransactionStatus

_S = TransactionStatus
MOVES: Final[Mapping[TransactionStatus, frozenset[TransactionStatus]]] = MappingProxyType(
    {
        _S.OPEN: frozenset({_S.COMMITTED, _S.ROLLED_BACK, _S.VOID}),
        _S.COMMITTED: frozenset({_S.DISPUTED, _S.ROLLED_BACK, _S.SETTLED, _S.VOID}),
        _S.DISPUTED: frozenset({_S.ROLLED_BACK, _S.SETTLED, _S.VOID}),
        _S.ROLLED_BACK: frozenset({_S.SETTLED}),
        _S.SETTLED: frozenset({_S.RELEASED}),
        _S.RELEASED: frozenset(),
        _S.VOID: frozenset(),
    }
)


def check_move(attempt: TransactionRecord, to: TransactionStatus) -> None:
    """Raise `LedgerError` where a transaction cannot come to that state from its own."""
    if to not in MOVES[attempt.status]:
        raise LedgerError(
            "transaction.no_move", transaction=attempt.transaction, status=attempt.status, to=to
        )
