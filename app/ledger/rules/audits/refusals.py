"""What it costs to show nothing: never less, in expectation, than having been wrong.

Who is asked knows whether it was wrong. Had it shown its work it would have lost, at the worst for
certain, one offence's share of its stake and its pay for the transaction. The host's word takes no
stake; so that much is owed instead, and kept of the phone's pay to come. Who has little at stake
owes what makes refusing whenever it is asked a losing game: of work drawn at rate `a`, one refusal
stands for `1 / a` transactions that it was paid for and not asked about.
"""

from __future__ import annotations

import json
import math
from typing import Final

from app.core.audit_outcome import DutyOutcome
from app.core.errors import LedgerError
from app.ledger.rules.economy import BOND_PER_MILLE, share
from app.ledger.rules.fields import Fields, amount, integer
from app.ledger.rules.state import State, TransactionRecord

PRICED_FORMAT: Final = 4
"""From this format on refusals have a price."""


def refusal_price(state: State, attempt: TransactionRecord, stage: int) -> int:
    """Return what a phone owes for refusing to show its work on a stage, in micro-credits."""
    offence = share(state.phone(attempt.stages[stage].serial).staked, BOND_PER_MILLE)
    rate = attempt.audit_rates.get(stage, 0.0) or 1.0
    return max(offence, math.ceil(_most_pay(attempt, stage) / rate))


def price_in(
    state: State, attempt: TransactionRecord, stage: int, outcome: str, fields: Fields
) -> int:
    """Return what an entry says that its outcome costs; 0 where it was no refusal.

    Raises `LedgerError` where that is not the price.
    """
    if state.format < PRICED_FORMAT or outcome != DutyOutcome.REFUSED:
        return 0
    price = refusal_price(state, attempt, stage)
    if amount(fields, "price") != price:
        raise LedgerError("penalty.other_price", phone=attempt.stages[stage].serial)
    return price


def _most_pay(attempt: TransactionRecord, stage: int) -> int:
    """Return what a stage is paid at most: for a token in each step that it signed for."""
    layers = sum(each.layer_count for each in attempt.stages)
    steps = integer(json.loads(attempt.receipts[stage]), "steps")
    return attempt.price_per_token * steps * attempt.stages[stage].layer_count // layers
