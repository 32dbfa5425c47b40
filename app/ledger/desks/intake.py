"""Whatever a keeper signed, taken in by what it says that it is."""

from __future__ import annotations

import json
from typing import Any, Final

from app.core.errors import LedgerError
from app.ledger.desks.governance import GovernanceDesk
from app.ledger.desks.stakes import StakeDesk
from app.ledger.rules.governance.statement import MOST_BYTES, SignedStatement
from app.ledger.rules.governance.voting import PROPOSAL, VOTE

_PREFIX: Final = "poip/v1/"
MOST_FILE_BYTES: Final = 4 * MOST_BYTES


class StatementIntake:
    """Takes signed statements of every kind. Used from one thread."""

    def __init__(self, governance: GovernanceDesk, stakes: StakeDesk) -> None:
        self._governance = governance
        self._stakes = stakes

    def submit(self, signed: SignedStatement) -> str:
        """Journal what a statement asks for; return the proposal or phone that it is about.

        Raises `LedgerError` for what nobody may say, said already, or of no known kind.
        """
        kind = _kind(signed)
        if kind == PROPOSAL:
            return self._governance.propose(signed)
        if kind == VOTE:
            self._governance.vote(signed)
            return str(json.loads(signed.data)["proposal"])
        return self._stakes.order(kind, signed)


def read_statement(content: bytes) -> SignedStatement:
    """Return the statement in a file. Raises `LedgerError` for anything else."""
    if len(content) > MOST_FILE_BYTES:
        raise LedgerError("statement.too_long", most=MOST_FILE_BYTES)
    try:
        fields: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise LedgerError("statement.no_file") from None
    if not isinstance(fields, dict):
        raise LedgerError("statement.no_file")
    return SignedStatement.from_fields(fields)


def _kind(signed: SignedStatement) -> str:
    try:
        fields: Any = json.loads(signed.data)
    except (ValueError, RecursionError):
        raise LedgerError("statement.no_json") from None
    named = fields.get("type") if isinstance(fields, dict) else None
    if not isinstance(named, str) or not named.startswith(_PREFIX):
        raise LedgerError("statement.other_type", wanted=f"{PROPOSAL}, {VOTE}")
    return named.removeprefix(_PREFIX)
