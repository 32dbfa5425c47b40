"""Phones with keys, transactions over all of them, and the receipts that they sign."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.assignment import Assignment, StageAssignment
from app.core.chain import Chain
from app.core.identifiers import RequestId, Serial, TransactionId
from app.ledger.ledger import Ledger
from app.ledger.rules.agreement import Agreement
from app.ledger.rules.phones.registration import ProvenKey
from workers.identity.choices import NO_CHOICES
from workers.identity.digests import sampling_digest
from workers.identity.grounds import NO_GROUNDS
from workers.identity.identity import hello_statement
from workers.identity.receipts import ReceiptBody, canonical_bytes, sign_receipt
from workers.protocol.boundary import Boundary
from workers.protocol.chain import ChainName, Span
from workers.protocol.commands import SignedTerms
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.span_shape import CacheType

PHONES = 4
LAYERS_A_PHONE = 4
_MODEL = "measured"
_CHAIN = Chain(ChainName.DECODER, PHONES * LAYERS_A_PHONE)
_NUMERICAL_CLASS = "measured"
_DIGEST: Final = "0" * 64
_NONCE: Final = bytes(32)
_AGREEMENT: Final = Agreement(
    _DIGEST, _DIGEST, (_DIGEST,) * PHONES, SamplingRule(), 8, Boundary.F32, CacheType.F32
)
SignedReceipt = tuple[bytes, bytes, bytes]
"""Canonical bytes, signature and public key."""


def receipts_to_record(ledger: Ledger, count: int) -> tuple[SignedReceipt, ...]:
    """Tell a ledger of phones and transactions; return so many receipts that it has not seen.

    `count` is a multiple of `PHONES`: one a phone and transaction.
    """
    keys = {Serial(f"phone-{number}"): Ed25519PrivateKey.generate() for number in range(PHONES)}
    stages = tuple(
        StageAssignment(serial, Span(_CHAIN.name, first, first + LAYERS_A_PHONE))
        for serial, first in zip(keys, range(0, _CHAIN.block_count, LAYERS_A_PHONE), strict=True)
    )
    assignment = Assignment(_MODEL, (_CHAIN,), stages)
    for serial, key in keys.items():
        ledger.register_phone(serial, _proven(serial, key, ledger.host_key), _NUMERICAL_CLASS)
        ledger.grant_stake(serial)  # without one all of its work is audited
    receipts = []
    for number in range(count // PHONES):
        name = TransactionId(f"t{number}")
        terms = ledger.open_transaction(name, RequestId("r"), assignment, _AGREEMENT, 1, 0.0, 1)
        receipts += [
            _signed(name, index, stage, terms, keys[stage.serial])
            for index, stage in enumerate(stages)
        ]
    return tuple(receipts)


def _proven(serial: Serial, key: Ed25519PrivateKey, host_key: bytes) -> ProvenKey:
    proof = key.sign(hello_statement(_NONCE, serial, "", host_key))
    return ProvenKey(key.public_key().public_bytes_raw(), "", _NONCE, proof)


def _signed(
    transaction: TransactionId,
    index: int,
    stage: StageAssignment,
    terms: SignedTerms,
    key: Ed25519PrivateKey,
) -> SignedReceipt:
    body = ReceiptBody(
        transaction=transaction,
        stage=index,
        serial=stage.serial,
        span=f"{stage.first_layer}-{stage.last_layer}",
        graph=_DIGEST,
        blocks=stage.span,
        input_root=f"{index:064x}",
        output_root=f"{index + 1:064x}",
        steps=64,
        tokens=64,
        sequence=1,
        numerical_class=_NUMERICAL_CLASS,
        nonce="0" * 32,
        terms=terms,
        shard=_DIGEST,
        sampling=sampling_digest(SamplingRule()),
        alternatives=8,
        boundary=Boundary.F32,
        cache=CacheType.F32,
        choices=NO_CHOICES,
        grounds=NO_GROUNDS,
    )
    return canonical_bytes(body), sign_receipt(body, key), key.public_key().public_bytes_raw()
