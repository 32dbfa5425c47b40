"""How many modules a phone and a receipt pass through in a rack of one virtual phone."""

from __future__ import annotations

import pytest
import walks

RECEIPT_LIMIT = 16
"""Layers of their own, from the wire to the rules; `walks.LIMIT` is where it was to be."""


@pytest.mark.usefixtures("patient")
def test_the_walks_of_a_phone_and_of_a_receipt_do_not_grow() -> None:
    phone, receipt = (figure for _, figure in walks.figures())
    assert phone.holds, str(phone)
    assert 1 <= receipt.value <= RECEIPT_LIMIT, str(receipt)
