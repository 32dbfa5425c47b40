"""What a last stage signs that its answers rest on: some logits, and the row that made them.

Beside a token and its figures it commits to logits at tokens that follow from the journal's entry
that opened the transaction, which a phone cannot choose, and to the row that went into the head: a
leaf a step, under a root of its own. An audit then tells wrong layers from a cheaper head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np

from workers.identity.merkle import leaf_hash, root_hash
from workers.protocol.wire import Tensor

PROBES: Final = 16
"""How many logits are committed to with each token."""
_TAG: Final = b"poip/v1/grounds\0"
_NUMBER: Final = np.dtype("<u8")


def probe_seed(transaction: str, head: str) -> bytes:
    """Return what all probes of a transaction follow from; `head` is the entry that opened it."""
    return hashlib.sha256(_TAG + f"{transaction} {head}".encode()).digest()


def probed_tokens(seed: bytes, end: int, vocabulary_size: int) -> Tensor:
    """Return the tokens whose logits are committed to, `i8 [PROBES]`; some may be the same.

    `end` tells how many rows there are after the step. They are SHAKE-256 of seed and end
    (little-endian, 8 bytes), in numbers of 8 bytes, modulo the vocabulary.
    """
    drawn = hashlib.shake_256(seed + end.to_bytes(8, "little")).digest(PROBES * _NUMBER.itemsize)
    numbers = np.frombuffer(drawn, _NUMBER) % np.uint64(vocabulary_size)
    return numbers.astype(np.int64)


def grounds_of(logits: Tensor, final_row: Tensor | None, seed: bytes, end: int) -> Tensor:
    """Return what is committed to, `f4 [PROBES + hidden]`: probed logits, then the row.

    `logits` is `f4 [vocabulary]`, `final_row` `f4 [hidden]`; None where the graph shows none.
    """
    probes = logits[probed_tokens(seed, end, len(logits))]
    row = np.zeros(0, np.float32) if final_row is None else final_row
    return np.concatenate([probes, row]).astype(np.float32, copy=False)


def grounds_leaf(grounds: Tensor | None) -> bytes:
    """Return the leaf of a step, 32 bytes; None where no token was wanted."""
    return _NONE if grounds is None else leaf_hash(_TAG + grounds.tobytes())


def grounds_root(grounds: Iterable[Tensor | None]) -> str:
    """Return the root over the leaves of all steps (RFC 6962), hexadecimal."""
    return root_hash([grounds_leaf(each) for each in grounds]).hex()


_NONE: Final = leaf_hash(_TAG)
NO_GROUNDS: Final = grounds_root(())
"""What a stage that chooses no tokens signs."""
