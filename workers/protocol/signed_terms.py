"""What a receipt repeats of what a phone was told: the request, the model, the journal, the choice.

Digests are SHA-256 in lower-case hexadecimal over a domain tag and canonical JSON (RFC 8785).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import rfc8785

from workers.protocol.bounds import Digest, Integer
from workers.protocol.sampling_rule import SamplingRule

OPENING_NONCE_BYTES: Final = 16
"""What a phone draws for each transaction that it opens: no other opening of it has the same."""
_SHARD_TAG: Final = b"poip/v3/shard\0"
_SAMPLING_TAG: Final = b"poip/v3/sampling\0"
_DigestText = Annotated[str, Digest()]


@dataclass(frozen=True)
class SignedTerms:
    """What a host says that a transaction is about; its phones sign for this and nothing else."""

    request: _DigestText
    """Of the prompt's tokens with a salt, so that nobody can guess a prompt by it."""
    model: _DigestText
    """Of the model's manifest."""
    host_key: _DigestText
    """The Ed25519 key of the host's ledger, 32 bytes."""
    entry: Annotated[int, Integer(1, (1 << 53) - 1)]
    """The journal entry that opened the transaction: the journal's end at that moment."""
    head: _DigestText
    """The hash of that entry, which covers all before it."""


def shard_digest(graph: str, blobs: Sequence[str]) -> str:
    """Return the digest of what a phone runs: a graph and weight files, by their SHA-256."""
    return _digest(_SHARD_TAG, {"graph": graph, "blobs": sorted(blobs)})


def sampling_digest(rule: SamplingRule) -> str:
    """Return the digest of how tokens are chosen, seed included."""
    return _digest(_SAMPLING_TAG, sampling_fields(rule))


def sampling_fields(rule: SamplingRule) -> dict[str, Any]:
    """Return a rule as JSON values; numbers that JSON would round are text."""
    biases = [[bias.token, repr(float(bias.added))] for bias in rule.biases]
    return {
        "temperature": repr(float(rule.temperature)),
        "top_p": repr(float(rule.top_p)),
        "seed": str(rule.seed),
        "top_k": rule.top_k,
        "min_p": repr(float(rule.min_p)),
        "biases": biases,
    }


def _digest(tag: bytes, content: object) -> str:
    return hashlib.sha256(tag + rfc8785.dumps(content)).hexdigest()  # type: ignore[arg-type]
