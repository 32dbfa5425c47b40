"""Digests of what a phone runs and how it chooses tokens, as receipts name them.

They are SHA-256 in lower-case hexadecimal over a domain tag and canonical JSON (RFC 8785).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import rfc8785

from workers.identity.weight_tree import WeightFile
from workers.protocol.sampling_rule import SamplingRule

_SHARD_TAG: Final = b"poip/v4/shard\0"
_SAMPLING_TAG: Final = b"poip/v3/sampling\0"


def shard_digest(graph: str, weights: Iterable[WeightFile]) -> str:
    """Return the digest of what a phone runs: a graph and its weight files with their roots."""
    files = sorted([each.sha256, each.size_bytes, each.root] for each in weights)
    return _digest(_SHARD_TAG, {"graph": graph, "weights": files})


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
