"""The rate and the time left of a transfer, as measured and as terminals and windows tell them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rack.phones.transfer_meter import SETTLING_S, WINDOW_S, TransferMeter
from app.rack.snapshot import Cargo, Transfer
from app.testing.clocks import ManualClock
from app.words.ages import time_left_text
from app.words.terminal import transfer_text

TOTAL = 100_000_000


def test_no_rate_is_told_before_it_has_settled() -> None:
    clock = ManualClock()
    meter = TransferMeter(Cargo.WEIGHTS, clock)
    assert meter.measure(1_000_000, TOTAL) == Transfer(Cargo.WEIGHTS, 1_000_000, TOTAL)
    clock.advance(SETTLING_S / 2)
    assert meter.measure(2_000_000, TOTAL).bytes_per_second is None
    clock.advance(SETTLING_S / 2)
    assert meter.measure(3_000_000, TOTAL).bytes_per_second == pytest.approx(4_000_000)


@given(st.integers(1, 50_000_000), st.integers(0, 40_000_000))
def test_a_steady_rate_is_found_and_what_landed_before_does_not_count(
    bytes_per_second: int, landed: int
) -> None:
    clock = ManualClock()
    meter = TransferMeter(Cargo.WEIGHTS, clock)
    transfer = meter.measure(landed, TOTAL)
    for _ in range(40):
        clock.advance(0.25)
        done = min(landed + int(clock.monotonic_s() * bytes_per_second), TOTAL)
        if done == TOTAL:
            break
        transfer = meter.measure(done, TOTAL)
        if transfer.bytes_per_second is not None and transfer.left_s is not None:
            assert transfer.bytes_per_second == pytest.approx(bytes_per_second, rel=0.01, abs=4)
            assert transfer.left_s * transfer.bytes_per_second == pytest.approx(TOTAL - done)


def test_a_link_that_slows_down_is_noticed_within_the_window() -> None:
    clock = ManualClock()
    meter = TransferMeter(Cargo.WEIGHTS, clock)
    done = 0
    for rate in (8_000_000, 1_000_000):
        for _ in range(int(WINDOW_S * 10) + 1):
            clock.advance(0.1)
            done += rate // 10
            transfer = meter.measure(done, TOTAL)
        assert transfer.bytes_per_second == pytest.approx(rate, rel=0.05)


def test_the_next_file_begins_anew() -> None:
    clock = ManualClock()
    meter = TransferMeter(Cargo.WORKER, clock)
    meter.measure(0, 500)
    clock.advance(1)
    assert meter.measure(500, 500).left_s == 0
    assert meter.measure(100, 500).bytes_per_second is None
    clock.advance(1)
    assert meter.measure(300, 500).bytes_per_second == pytest.approx(200)
    assert meter.measure(300, 900).bytes_per_second is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (8.01, "9 s"), (59.0, "59 s"), (59.5, "60 s"), (125, "2 min 5 s")],
)
def test_the_time_left_is_told_in_whole_seconds(seconds: float, text: str) -> None:
    assert time_left_text(seconds) == text


def test_a_terminal_tells_rate_and_time_left_once_they_are_known() -> None:
    assert transfer_text(Transfer(Cargo.WEIGHTS, 1, TOTAL)) == "weights 100 MB"
    told = transfer_text(Transfer(Cargo.WEIGHTS, 1, TOTAL, 12_500_000.0, 7.5))
    assert told == "weights 100 MB, 12.5 MB/s, 8 s left"
