"""How processors round, told by canaries that their own runtimes computed.

`canaries.npz` holds what the arm64 runtime for phones gave under qemu 10 (`-cpu max`, `cortex-a76`,
`cortex-a53`): products of the canary's first row alone, and of its first 24 rows among 192.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.proof.sharp.classes import Rounding, RoundingClass, read_class, reproduced
from workers.engine.processor import canary_products, canary_rows, numerical_class

FOUND = np.load(Path(__file__).with_name("canaries.npz"))
KLEIDI = {8: Rounding.BLOCKS, 4: Rounding.ROWS_SHORT_SCALES}
KNOWN = {"i8mm": KLEIDI, "cortex-a76": KLEIDI, "cortex-a53": {8: Rounding.NONE, 4: Rounding.NONE}}


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("processor", KNOWN)
def test_phones_round_as_is_known_of_their_processors(processor: str, bits: int) -> None:
    left, _ = canary_rows()
    alone, together = (FOUND[f"{processor}.{rows}.{bits}"] for rows in ("alone", "together"))
    assert reproduced(left[:1], bits, alone) is KNOWN[processor][bits]
    assert reproduced(left[: len(together)], bits, together) is KNOWN[processor][bits]


@pytest.mark.parametrize("error", [1e-4, np.nan])
def test_products_that_nothing_gives_again_are_of_no_class(error: float) -> None:
    left, _ = canary_rows()
    product = FOUND["cortex-a76.together.8"].copy()
    product *= np.linspace(1 - error, 1 + error, product.shape[1], dtype=np.float32)
    assert reproduced(left[: len(product)], 8, product) is None


def test_a_class_is_read_from_what_its_name_is_a_digest_of(own_class: RoundingClass) -> None:
    assert own_class.of(8, 1) is not None
    shown, name = [*canary_products(1)], numerical_class(1)
    assert read_class(shown, name) == own_class
    shown[1] = shown[1] + 1
    assert read_class(shown, name) is None
    assert read_class(shown[:4], name) is None
