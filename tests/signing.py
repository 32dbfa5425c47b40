"""What tests sign and agree on where it does not matter what that is."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.ledger.rules.agreement import Agreement
from app.ledger.rules.phones.registration import ProvenKey
from workers.identity.choices import NO_CHOICES
from workers.identity.digests import sampling_digest
from workers.identity.grounds import NO_GROUNDS
from workers.identity.identity import hello_statement, succession
from workers.protocol.boundary import Boundary
from workers.protocol.commands import SignedTerms
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.span_shape import CacheType

TRANSPORT_KEY: Final = "t" * 40
NONCE: Final = bytes(range(32))
OPENING: Final = bytes(16)
SHARD: Final = "5" * 64
TERMS: Final = SignedTerms("1" * 64, "2" * 64, "3" * 64, 1, "4" * 64)


def agreed_fields(terms: SignedTerms = TERMS) -> dict[str, Any]:
    """Return what a receipt names of an agreement made by `agreement`, and of its opening."""
    return {
        "nonce": OPENING.hex(),
        "terms": terms,
        "shard": SHARD,
        "sampling": sampling_digest(SamplingRule()),
        "alternatives": 8,
        "boundary": Boundary.F32,
        "cache": CacheType.F32,
        "choices": NO_CHOICES,
        "grounds": NO_GROUNDS,
    }


def agreement(stages: int) -> Agreement:
    """Return what a host decides before the first step."""
    return Agreement(
        request=TERMS.request,
        model=TERMS.model,
        shards=(SHARD,) * stages,
        sampling=SamplingRule(),
        alternatives=8,
        boundary=Boundary.F32,
        cache=CacheType.F32,
    )


def proven_key(
    key: Ed25519PrivateKey,
    serial: str,
    host_key: bytes,
    predecessor: Ed25519PrivateKey | None = None,
) -> ProvenKey:
    """Return a key with the proofs that a phone gives of it."""
    public = key.public_key().public_bytes_raw()
    signed = predecessor.sign(succession(serial, public, host_key)) if predecessor else b""
    proof = key.sign(hello_statement(NONCE, serial, TRANSPORT_KEY, host_key))
    return ProvenKey(public, TRANSPORT_KEY, NONCE, proof, signed)
