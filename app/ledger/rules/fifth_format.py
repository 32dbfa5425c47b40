"""What the fifth format asks of receipts beside what earlier ones did.

A receipt says what steered each token; it names the numerical class that its phone is registered
with; and a second one that contradicts it counts under its own key, though the phone has another by
now. Earlier entries stand under the rules of their time.
"""

from __future__ import annotations

from typing import Final

from app.core.errors import LedgerError
from app.ledger.rules.state import State, TransactionRecord

CHOICES_FORMAT: Final = 5
_THREADS: Final = " threads"


def check_form_and_class(
    state: State, attempt: TransactionRecord, stage: int, named: str, *, says_choices: bool
) -> None:
    """Raise `LedgerError` for a receipt that says nothing of choices, or names a foreign class.

    Such a one is void: it is not paid for, and what it shows says nothing of a class. A transaction
    that was opened before is held to the rules of then.
    """
    if attempt.format < CHOICES_FORMAT:
        return
    serial = attempt.stages[stage].serial
    if not says_choices:
        raise LedgerError("receipt.of_another_form")
    registered = state.phone(serial).numerical_class
    if class_without_threads(named) != class_without_threads(registered):
        raise LedgerError("receipt.other_class", phone=serial)


def class_without_threads(name: str) -> str:
    """Return what a class says beside how many threads computed.

    Products are the same by any number of them, or the digest that the class ends with tells.
    """
    return "; ".join(part for part in name.split("; ") if not _counts_threads(part))


def signed_by_key_of_first(
    state: State, attempt: TransactionRecord, stage: int, public_key: bytes
) -> bool:
    """Tell whether that is the key of the receipt on record, and its holder answers for it still.

    Not where the operator said that it is lost: who signs with it then is not known.
    """
    phone = state.phone(attempt.stages[stage].serial)
    lost = public_key in phone.lost_keys
    own = attempt.keys.get(stage) == public_key
    return state.format >= CHOICES_FORMAT and own and not lost


def _counts_threads(part: str) -> bool:
    return part.endswith(_THREADS) and part.removesuffix(_THREADS).isdecimal()
