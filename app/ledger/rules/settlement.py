"""Who gets what for a transaction: by layers held, 2 % to the treasury, exact to the unit."""

from __future__ import annotations

from app.core.errors import LedgerError
from app.ledger.rules.accounts import OPERATOR, TREASURY, Posting, earnings_account
from app.ledger.rules.deals.deal import Payment
from app.ledger.rules.economy import TREASURY_FEE_PER_MILLE, share, split_exactly
from app.ledger.rules.state import State, TransactionRecord


def payments_of(state: State, attempt: TransactionRecord, tokens: int) -> tuple[Payment, ...]:
    """Return the payments due for that many generated tokens, in stage order.

    The whole price is split over all stages by layers; a stage without a receipt, or whose phone
    was found out, forfeits its part, which stays with the operator. Raises `LedgerError`.
    """
    if attempt.status.paid:
        raise LedgerError("transaction.settled", transaction=attempt.transaction)
    if attempt.payable_tokens is not None and tokens > attempt.payable_tokens:
        good = attempt.payable_tokens
        raise LedgerError("transaction.fewer_good", count=good, transaction=attempt.transaction)
    fee = attempt.deal.fee_per_mille if attempt.deal else TREASURY_FEE_PER_MILLE
    return tuple(
        _payment(stage.serial, part, state.phone(stage.serial).owed, fee)
        for index, (stage, part) in enumerate(
            zip(attempt.stages, _parts(attempt, tokens), strict=True)
        )
        if index in attempt.receipts and stage.serial not in attempt.offenders
    )


def payment_transfers(transaction: str, payments: tuple[Payment, ...]) -> tuple[Posting, ...]:
    """Return the transfers that make the payments; amounts of nothing are left out."""
    transfers = []
    for payment in payments:
        name = f"settle:{transaction}:{payment.serial}"
        account = earnings_account(payment.serial)
        transfers.append(Posting(name, OPERATOR, account, payment.amount))
        transfers.append(Posting(f"{name}:fee", OPERATOR, TREASURY, payment.fee))
        transfers.append(Posting(f"{name}:kept", OPERATOR, TREASURY, payment.kept))
    return tuple(transfer for transfer in transfers if transfer.amount)


def _parts(attempt: TransactionRecord, tokens: int) -> tuple[int, ...]:
    """Return what each stage's work is worth: at its own price where quotes were bought."""
    layers = tuple(stage.layer_count for stage in attempt.stages)
    if attempt.deal is None or not attempt.deal.prices:
        return split_exactly(attempt.price_per_token * tokens, layers)
    prices = zip(attempt.deal.prices, layers, strict=True)
    return tuple(price * count * tokens for price, count in prices)


def _payment(serial: str, part: int, owed: int, fee_per_mille: int) -> Payment:
    fee = share(part, fee_per_mille)
    kept = min(owed, part - fee)
    return Payment(serial, part - fee - kept, fee, kept)
