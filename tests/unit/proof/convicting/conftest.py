"""What tests of replays share."""

from __future__ import annotations

import pytest

from app.proof.sharp.classes import RoundingClass, read_class
from workers.engine.processor import canary_products, numerical_class


@pytest.fixture(scope="session")
def own_class() -> RoundingClass:
    """Return how this machine rounds."""
    found = read_class(canary_products(1), numerical_class(1))
    assert found is not None
    return found
