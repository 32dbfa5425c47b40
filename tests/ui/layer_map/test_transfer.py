"""What the device list says while bytes are on their way to a phone."""

from __future__ import annotations

from app.rack.snapshot import Cargo, Transfer
from app.words.phones.rows import transfer_text


def test_share_rate_and_time_left_are_told_once_they_are_known() -> None:
    assert transfer_text(Transfer(Cargo.WEIGHTS, 0, 0)) == "weights: 0 B / 0 B"
    assert (
        transfer_text(Transfer(Cargo.WEIGHTS, 2_000_000, 8_000_000)) == "weights: 2.00 MB / 8.00 MB"
    )
    known = Transfer(Cargo.WEIGHTS, 2_000_000, 8_000_000, 1_500_000.0, 4.0)
    assert transfer_text(known) == "weights 25%, 1.50 MB/s, 4 s left"
