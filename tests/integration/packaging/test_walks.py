"""How many modules a phone and a receipt pass through in a rack of one virtual phone."""

from __future__ import annotations

import pytest
import walks

RECEIPT_IN_ALL = 12
"""With wire and JSON, which know of no receipt, between those that hand it on."""


@pytest.mark.usefixtures("patient")
def test_the_walks_of_a_phone_and_of_a_receipt_do_not_grow() -> None:
    (_, phone), (walk, receipt) = walks.figures()
    assert phone.holds, str(phone)
    assert receipt.holds, str(receipt)
    assert len(walk.in_hand | walk.beside) <= RECEIPT_IN_ALL, sorted(walk.beside)
