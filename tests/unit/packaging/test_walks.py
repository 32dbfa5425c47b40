"""What counts as having a receipt in hand, and which modules are ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import walks

from app.core.identifiers import Serial
from app.ledger.entry import EntryKind, make_entry
from app.ledger.rules.evidence import SignedReceipt
from app.pipeline.collection import SealedReceipt
from app.rack.service import open_rack

RECEIPT = json.dumps({"input_root": "00"}, separators=(",", ":"))


@pytest.mark.parametrize(
    "value",
    [
        RECEIPT,
        RECEIPT.encode(),
        [b"header", RECEIPT.encode()],
        {"data": RECEIPT},
        SealedReceipt(Serial("A"), b"", b""),
        (SignedReceipt(RECEIPT, b"", b""),),
        make_entry(None, 0, EntryKind.RECEIPT, {"data": RECEIPT}),
    ],
)
def test_a_receipt_is_found_in_whatever_carries_it(value: object) -> None:
    assert walks.holds_receipt(value)


@pytest.mark.parametrize("value", ["input_root", b'roots = ("input_root", "output_root")', [[]], 3])
def test_other_values_are_none(value: object) -> None:
    assert not walks.holds_receipt(value)


def test_code_elsewhere_is_not_ours() -> None:
    def here() -> None:
        """Nothing: its code is looked at."""

    assert walks._module_of(here.__code__) is None
    assert walks._module_of(Path.exists.__code__) is None
    assert walks._module_of(SealedReceipt.__init__.__code__) is None  # dataclasses writes it
    assert walks._module_of(open_rack.__code__) == "app.rack.service"
