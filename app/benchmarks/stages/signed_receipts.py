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
from workers.identity.receipts import RECEIPT_DOMAIN, ReceiptBody, canonical_bytes
from workers.protocol.boundary import Boundary
from workers.protocol.chain import ChainName, Span
from workers.protocol.commands import SignedTerms
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.span_shape import CacheType

PHONES = 4
LAYERS_A_PHONE = 4
_MODEL = "measured"
_NUMERICAL_CLASS = "measured"
_DIGEST: Final = "0" * 64
_NONCE: Final = bytes(32)
SignedReceipt = tuple[bytes, bytes, bytes]
"""Canonical bytes, signature and public key."""


class SigningPhones:
    """Phones of one ring, and what they sign of each transaction."""

    def __init__(self, ledger: Ledger, count: int = PHONES) -> None:
        """Register so many with a ledger that does not know them."""
        self._ledger = ledger
        self._keys = {
            Serial(f"phone-{each}"): Ed25519PrivateKey.generate() for each in range(count)
        }
        chain = Chain(ChainName.DECODER, count * LAYERS_A_PHONE)
        firsts = range(0, chain.block_count, LAYERS_A_PHONE)
        stages = tuple(
            StageAssignment(serial, Span(chain.name, first, first + LAYERS_A_PHONE))
            for serial, first in zip(self._keys, firsts, strict=True)
        )
        self._assignment = Assignment(_MODEL, (chain,), stages)
        shards, rule = (_DIGEST,) * count, SamplingRule()
        self._agreement = Agreement(_DIGEST, _DIGEST, shards, rule, 8, Boundary.F32, CacheType.F32)
        for serial, key in self._keys.items():
            ledger.register_phone(serial, _proven(serial, key, ledger.host_key), _NUMERICAL_CLASS)
            ledger.grant_stake(serial)  # without one all of its work is audited

    def begin(self, name: TransactionId) -> list[SignedReceipt]:
        """Open a transaction over all of them; return their receipts of it, not yet recorded."""
        terms = self._ledger.open_transaction(
            name, RequestId("r"), self._assignment, self._agreement, 1, 0.0, 1
        )
        return [
            _signed(name, index, stage, terms, self._keys[stage.serial])
            for index, stage in enumerate(self._assignment.stages)
        ]


def receipts_to_record(ledger: Ledger, count: int) -> tuple[SignedReceipt, ...]:
    """Tell a ledger of phones and transactions; return so many receipts that it has not seen.

    `count` is a multiple of `PHONES`: one a phone and transaction.
    """
    phones = SigningPhones(ledger)
    names = (TransactionId(f"t{number}") for number in range(count // PHONES))
    return tuple(receipt for name in names for receipt in phones.begin(name))


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
    data = canonical_bytes(body)
    return data, key.sign(RECEIPT_DOMAIN + data), key.public_key().public_bytes_raw()
