"""Figures as people read them."""

import pytest

from app.core.units import format_bytes, format_duration, format_rate, significant


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1234, "0.12"), (9.994, "9.99"), (9.996, "10.0"), (99.96, "100"), (12345.6, "12,346")],
)
def test_three_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (12_500_000, "12.5 MB"), (2e12, "2.00 TB")],
)
def test_sizes_are_decimal(size_bytes: float, text: str) -> None:
    assert format_bytes(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.1e-3, "4.10 ms"),
        (5e-5, "50.0 µs"),
        (2.5, "2.50 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3_599.6, "1 h"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
        (86_399, "1 d"),
        (3 * 86_400, "3 d"),
        (14 * 86_400 + 7_200, "14 d 2 h"),
    ],
)
def test_durations_choose_their_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_rates_name_what_they_count() -> None:
    assert format_rate(31.234) == "31.2 tok/s"
