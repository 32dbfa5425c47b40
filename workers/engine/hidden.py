"""Hidden states as they are sent and as a span computes with them."""

from __future__ import annotations

import numpy as np

from workers.errors import BoundaryOverflowError
from workers.protocol.boundary import Boundary
from workers.protocol.wire import Tensor


def sent_form(hidden: Tensor, boundary: Boundary) -> Tensor:
    """Return `f4` hidden states as they are sent; tokens that are only passed on stay as they are.

    Raises `BoundaryOverflowError` where a finite number does not fit.
    """
    if boundary is Boundary.F32 or hidden.dtype.kind == "i":
        return hidden
    with np.errstate(over="ignore"):
        cast = hidden.astype("<f2")
    if np.isinf(cast).any() and np.isfinite(hidden).all():
        raise BoundaryOverflowError("numbers.beyond_float16")
    return cast


def computed_form(rows: Tensor) -> Tensor:
    """Return what arrived in a form a span computes with: `f2` widened to `f4`."""
    return rows.astype(np.float32) if rows.dtype == np.float16 else rows
