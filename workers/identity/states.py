"""What a phone signs of a stage that it ran again: the root over all states between operators.

A leaf is one row of one state, its bytes as float32. Leaves of a state follow each other, states
stand in the order in which they were asked for: index and count say which row of which it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import rfc8785

from workers.errors import ReceiptError
from workers.identity.merkle import leaf_hash
from workers.identity.receipts import verify_signature
from workers.protocol.bounds import Digest, FieldError, Integer, ShortText, Uint32, read_fields
from workers.protocol.forms import field_forms
from workers.protocol.wire import Tensor

STATES_DOMAIN: Final = b"poip/v1/states\0"
MAXIMUM_LEAVES: Final = 1 << 20
_Root = Annotated[str, Digest()]


@dataclass(frozen=True)
class StatesBody:
    """One phone's statement about one stage run again; hashes are lower-case hexadecimal."""

    serial: ShortText
    graph: _Root
    input_root: _Root
    output_root: _Root
    """As in a receipt; of a head, over steps without an answer."""
    states: _Root
    """Over the names of the states, one a line."""
    states_root: _Root
    leaves: Annotated[int, Integer(0, MAXIMUM_LEAVES)]
    steps: Uint32
    rows: Uint32
    numerical_class: ShortText


_FORMS: Final = field_forms(StatesBody)


def names_digest(names: Sequence[str]) -> str:
    """Return the SHA-256, hexadecimal, that stands for the names of states, in order."""
    return hashlib.sha256("".join(f"{name}\n" for name in names).encode()).hexdigest()


def row_hash(row: Tensor) -> bytes:
    """Return the leaf hash (32 bytes) of one row of a state, `f4 [numbers]`."""
    return leaf_hash(row.tobytes())


def states_bytes(body: StatesBody) -> bytes:
    """Return the bytes that are signed, without the domain tag."""
    return rfc8785.dumps(vars(body))


def verify_states(data: bytes, signature: bytes, public_key: bytes) -> StatesBody:
    """Return what was signed. Raises `ReceiptError` unless everything about it holds."""
    verify_signature(STATES_DOMAIN + data, signature, public_key)
    try:
        content: Any = json.loads(data)
        if not isinstance(content, dict) or content.keys() != _FORMS.keys():
            raise ReceiptError("receipt.other_fields")
        body = StatesBody(*read_fields(_FORMS, content))
        canonical = states_bytes(body)
    except FieldError as error:
        raise ReceiptError(error.reason, **dict(error.fields)) from None
    except (ValueError, RecursionError):
        raise ReceiptError("receipt.no_json") from None
    if canonical != data:
        raise ReceiptError("receipt.not_canonical")
    return body
