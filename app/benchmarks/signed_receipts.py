"""Phones with keys, transactions over all of them, and the receipts that they sign."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.assignment import Assignment, StageAssignment
from app.core.chain import Chain
from app.core.identifiers import RequestId, Serial, TransactionId
from app.ledger.ledger import Ledger
from workers.identity.receipts import ReceiptBody, canonical_bytes, sign_receipt
from workers.protocol.chain import ChainName, Span

PHONES = 4
LAYERS_A_PHONE = 4
_MODEL = "measured"
_CHAIN = Chain(ChainName.DECODER, PHONES * LAYERS_A_PHONE)
_NUMERICAL_CLASS = "measured"


@dataclass(frozen=True)
class ReceiptWorkload:
    """What the ledger must know of beforehand, and receipts that it has not seen."""

    public_keys: dict[Serial, bytes]
    assignment: Assignment
    transactions: tuple[TransactionId, ...]
    receipts: tuple[tuple[bytes, bytes, bytes], ...]
    """Canonical bytes, signature and public key of each."""


def signed_work(receipts: int) -> ReceiptWorkload:
    """Return so many receipts (a multiple of `PHONES`), one a phone and transaction."""
    keys = {Serial(f"phone-{number}"): Ed25519PrivateKey.generate() for number in range(PHONES)}
    stages = tuple(
        StageAssignment(serial, Span(_CHAIN.name, first, first + LAYERS_A_PHONE))
        for serial, first in zip(keys, range(0, _CHAIN.block_count, LAYERS_A_PHONE), strict=True)
    )
    transactions = tuple(TransactionId(f"t{number}") for number in range(receipts // PHONES))
    signed = tuple(
        _signed(transaction, index, stage, keys[stage.serial])
        for transaction in transactions
        for index, stage in enumerate(stages)
    )
    public_keys = {serial: key.public_key().public_bytes_raw() for serial, key in keys.items()}
    assignment = Assignment(_MODEL, (_CHAIN,), stages)
    return ReceiptWorkload(public_keys, assignment, transactions, signed)


def register(ledger: Ledger, work: ReceiptWorkload) -> None:
    """Tell a ledger of the phones and transactions that the receipts are about."""
    for serial, key in work.public_keys.items():
        ledger.register_phone(serial, key, _NUMERICAL_CLASS)
    for transaction in work.transactions:
        ledger.open_transaction(transaction, RequestId("r"), _MODEL, work.assignment, 1, 0.0)


def _signed(
    transaction: TransactionId, index: int, stage: StageAssignment, key: Ed25519PrivateKey
) -> tuple[bytes, bytes, bytes]:
    body = ReceiptBody(
        transaction=transaction,
        stage=index,
        serial=stage.serial,
        span=f"{stage.first_layer}-{stage.last_layer}",
        graph="0" * 64,
        blocks=stage.span,
        input_root=f"{index:064x}",
        output_root=f"{index + 1:064x}",
        steps=64,
        tokens=64,
        sequence=1,
        numerical_class=_NUMERICAL_CLASS,
    )
    return canonical_bytes(body), sign_receipt(body, key), key.public_key().public_bytes_raw()
