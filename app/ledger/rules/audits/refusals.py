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
from dataclasses import replace
from typing import Final

from app.core.audit_outcome import DutyOutcome
from app.core.errors import LedgerError
from app.ledger.entry import Fields, amount, integer, text
from app.ledger.rules.economy import BOND_PER_MILLE, share
from app.ledger.rules.state import PhoneAccount, State, TransactionRecord

PRICED_FORMAT: Final = 4
"""From this format on refusals have a price."""
PHONE_GONE: Final = "sharp.phone_gone"
"""The reason of an outcome where the phone did not answer."""
PHONE_UNABLE: Final = "sharp.phone_unable"
"""The reason where it said that it could not, of an outcome that has no price. A phone filled to
its budget has no room for a second copy of its layers, ever: no death that chance explains."""


def refusal_price(state: State, attempt: TransactionRecord, stage: int) -> int:
    """Return what a phone owes for refusing to show its work on a stage, in micro-credits."""
    offence = share(state.phone(attempt.stages[stage].serial).staked, BOND_PER_MILLE)
    rate = attempt.audit_rates.get(stage, 0.0) or 1.0
    return max(offence, math.ceil(_most_pay(attempt, stage) / rate))


def price_of(
    state: State, attempt: TransactionRecord, stage: int, outcome: str, reason: str
) -> int | None:
    """Return what an outcome costs; None where it is no refusal, and counts as none."""
    deaths = state.phone(attempt.stages[stage].serial).deaths
    died = outcome == DutyOutcome.UNAVAILABLE and reason == PHONE_GONE
    refused = outcome == DutyOutcome.REFUSED or (died and deaths.refuses)
    return refusal_price(state, attempt, stage) if refused else None


def price_fields(
    state: State, attempt: TransactionRecord, stage: int, outcome: str, reason: str
) -> dict[str, str]:
    """Return the price of an outcome as an entry holds it; nothing where it has none."""
    price = price_of(state, attempt, stage, outcome, reason)
    return {} if price is None else {"price": str(price)}


def after_no_show(
    state: State, attempt: TransactionRecord, stage: int, outcome: str, fields: Fields
) -> PhoneAccount:
    """Return a phone that was asked to show its work after an outcome that is no verdict.

    Raises `LedgerError` where the entry names another price than the outcome has.
    """
    phone, reason = state.phone(attempt.stages[stage].serial), text(fields, "reason")
    price = price_of(state, attempt, stage, outcome, reason)
    named = amount(fields, "price") if "price" in fields else None
    if named != price:
        raise LedgerError("penalty.other_price", phone=phone.serial)
    died = outcome == DutyOutcome.UNAVAILABLE and reason == PHONE_GONE
    if died or outcome == DutyOutcome.REFUSED:
        phone = replace(phone, deaths=phone.deaths.after_ask(died=died))
    return replace(phone, owed=phone.owed + (price or 0))


def after_work(state: State, attempt: TransactionRecord) -> dict[str, PhoneAccount]:
    """Return the phones of a transaction that ends, by serial: who signed nothing died in it.

    Nothing of one that had ended before, and none that is known to be there and did not sign.
    """
    if state.format < PRICED_FORMAT or not attempt.status.running:
        return {}
    found = {}
    for index, stage in enumerate(attempt.stages):
        signed = index in attempt.receipts
        if signed or stage.serial not in attempt.withheld:
            phone = state.phone(stage.serial)
            found[stage.serial] = replace(phone, deaths=phone.deaths.after_work(died=not signed))
    return found


def _most_pay(attempt: TransactionRecord, stage: int) -> int:
    """Return what a stage is paid at most: for a token in each step that it signed for."""
    if stage not in attempt.receipts:
        return 0
    layers = sum(each.layer_count for each in attempt.stages)
    steps = integer(json.loads(attempt.receipts[stage]), "steps")
    return attempt.price_per_token * steps * attempt.stages[stage].layer_count // layers
