"""What a phone stands by, and what it signs that its work took."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import ReceiptError
from workers.identity.canonical import canonical_text
from workers.pledges.pledge import Pledge
from workers.pledges.work_times import (
    FEWEST_STEPS,
    TIMES_DOMAIN,
    WorkTimes,
    times_bytes,
    verify_times,
)
from workers.protocol.commands import Measured

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes_raw()
TIMES = WorkTimes(
    transaction="t",
    stage=0,
    serial="phone",
    host_key="0" * 64,
    nonce="1" * 32,
    steps=10,
    taken_us=10_000,
    weight_bytes=1_000_000,
    claimed_rate=10**9,
    claimed_overhead_us=0,
    memory_bytes=10**9,
    claimed_memory_bytes=10**9,
)
BYTES = st.integers(0, 1 << 40)


def signed(times: WorkTimes) -> tuple[bytes, bytes]:
    data = times_bytes(times)
    return data, KEY.sign(TIMES_DOMAIN + data)


@given(
    measured=st.none() | st.builds(Measured, st.floats(1, 1e16), st.just(1.0), st.floats(0, 3_600)),
    works=st.lists(
        st.tuples(st.integers(1, 1 << 20), st.integers(0, 1 << 40), BYTES, BYTES), max_size=6
    ),
)
def test_an_honest_phone_never_signs_that_it_falls_short(
    measured: Measured | None, works: list[tuple[int, int, int, int]]
) -> None:
    """Whatever its host does to slow it, gives it to compute, or picks from what it signed."""
    pledge = Pledge()
    if measured is not None:
        pledge.note_speed(measured)
    for steps, taken_us, weight_bytes, memory_bytes in works:
        claim = pledge.claim(steps, taken_us, weight_bytes, memory_bytes)
        times = replace(
            TIMES,
            steps=steps,
            taken_us=taken_us,
            weight_bytes=weight_bytes,
            claimed_rate=claim.rate,
            claimed_overhead_us=claim.overhead_us,
            memory_bytes=memory_bytes,
            claimed_memory_bytes=claim.memory_bytes,
        )
        assert not times.falls_short
        assert verify_times(*signed(times), PUBLIC) == times


def test_a_phone_stands_by_what_it_measured_as_long_as_that_holds() -> None:
    pledge = Pledge()
    pledge.note_speed(Measured(1e9, 1e9, 0.001))
    held = pledge.claim(10, 24_000, 1_000_000, 100)
    assert (held.rate, held.overhead_us, held.memory_bytes) == (10**9, 1_000, 100)
    slower = pledge.claim(10, 80_000, 1_000_000, 100)
    assert slower.step_us(1_000_000) == pytest.approx(8_000, abs=1)
    assert slower.rate == pytest.approx(250_000_000)
    assert pledge.claim(10, 24_000, 1_000_000, 100) == held


@pytest.mark.parametrize(
    ("changes", "short"),
    [
        ({}, False),
        ({"taken_us": 12_500}, False),
        ({"taken_us": 12_501}, True),
        ({"claimed_overhead_us": 1, "taken_us": 12_501}, False),
        ({"memory_bytes": 800_000_000}, False),
        ({"memory_bytes": 799_999_999}, True),
        ({"taken_us": 90_000, "steps": FEWEST_STEPS - 1}, False),
        ({"taken_us": 0}, False),
    ],
)
def test_less_than_four_fifths_of_what_it_stands_by_falls_short(
    changes: dict[str, Any],
    short: bool,  # noqa: FBT001 - a case's outcome
) -> None:
    assert replace(TIMES, **changes).falls_short is short


def test_nothing_but_what_the_key_signed_is_taken() -> None:
    data, signature = signed(TIMES)
    foreign = Ed25519PrivateKey.generate().sign(TIMES_DOMAIN + data)
    bad: list[tuple[bytes, bytes]] = [
        (data, foreign),
        (data, KEY.sign(data)),
        (data + b" ", KEY.sign(TIMES_DOMAIN + data + b" ")),
        (b"[]", KEY.sign(TIMES_DOMAIN + b"[]")),
        (b"{", KEY.sign(TIMES_DOMAIN + b"{")),
        (b" " * 3_000, KEY.sign(TIMES_DOMAIN + b" " * 3_000)),
    ]
    for name, value in (("steps", -1), ("claimed_rate", 0), ("taken_us", "1"), ("more", 1)):
        other = canonical_text({**vars(TIMES), name: value}).encode()
        bad.append((other, KEY.sign(TIMES_DOMAIN + other)))
    for content, under in bad:
        with pytest.raises(ReceiptError):
            verify_times(content, under, PUBLIC)
    assert verify_times(data, signature, PUBLIC) == TIMES
