"""Tensors as records and evidence hold them: type, shape, and their bytes in base64."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

import numpy as np

from app.core.errors import BadInputError
from app.proof.records.json_fields import Fields, text, whole_numbers
from workers.protocol.wire import CODES, DTYPES, Tensor

_MOST_NUMBERS: Final = 1 << 24


def written(tensor: Tensor) -> dict[str, Any]:
    """Return a tensor as JSON values."""
    return {
        "dtype": CODES[tensor.dtype],
        "shape": list(tensor.shape),
        "data": base64.b64encode(tensor.tobytes()).decode(),
    }


def read_tensor(fields: Fields) -> Tensor:
    """Return what such values say. Raises `BadInputError` for any other."""
    dtype, shape = DTYPES.get(text(fields, "dtype")), whole_numbers(fields, "shape")
    try:
        data = base64.b64decode(text(fields, "data"), validate=True)
    except (binascii.Error, ValueError):
        raise BadInputError("proof.odd_field", field="data") from None
    numbers = 1
    for length in shape:
        numbers *= length
    if dtype is None or numbers > _MOST_NUMBERS or len(data) != numbers * dtype.itemsize:
        raise BadInputError("proof.odd_field", field="data")
    try:
        return np.frombuffer(data, dtype).reshape(shape)
    except ValueError:  # of more dimensions than an array can have
        raise BadInputError("proof.odd_field", field="shape") from None
