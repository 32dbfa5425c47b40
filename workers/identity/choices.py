"""What a last stage signs of how it was to choose each token: a leaf a step, under one root.

The rule, its seed included, is in the receipt as a digest of its own. What the host told besides of
a single token (which are allowed, what some gain or lose) is in the leaf of its step, as is whether
a token was wanted at all: whoever has the steps can work the root out and choose again.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final

import numpy as np

from workers.identity.merkle import leaf_hash, root_hash
from workers.protocol.sampling_rule import UNSTEERED, Steering

_TAG: Final = b"poip/v1/choice\0"
_LENGTHS: Final = Struct("<IIId")
_ADDED: Final = np.dtype([("token", "<u4"), ("amount", "<f8")])


def _leaf(steering: Steering) -> bytes:
    lengths = len(steering.allowed), len(steering.added), len(steering.repeated)
    parts = (
        _LENGTHS.pack(*lengths, steering.repetition),
        steering.allowed,
        np.array([tuple(each) for each in steering.added], _ADDED).tobytes(),
        np.array(steering.repeated, "<u4").tobytes(),
    )
    return leaf_hash(_TAG + b"".join(parts))


_NOT_WANTED: Final = leaf_hash(_TAG)
_UNSTEERED: Final = _leaf(UNSTEERED)


def choice_leaf(steering: Steering | None) -> bytes:
    """Return the leaf, 32 bytes, of a step whose token was chosen so; None where none was wanted.

    It is over the tag, then little-endian: bytes of the mask, tokens that gain, tokens repeated (u4
    each), the repetition penalty (f8), the mask, each gain (u4, f8), each token repeated (u4).
    """
    if steering is None:
        return _NOT_WANTED
    return _leaf(steering) if steering else _UNSTEERED


def choices_root(choices: Iterable[Steering | None]) -> str:
    """Return the root over the leaves of all steps (RFC 6962), hexadecimal."""
    return root_hash([choice_leaf(each) for each in choices]).hex()


NO_CHOICES: Final = choices_root(())
"""What a stage that chooses no tokens signs."""
