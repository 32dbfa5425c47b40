"""When audits are due, and how often they must be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInputError
from app.proof.selection import audit_is_due
from app.proof.threshold import Incentives, least_audit_rate
from tests.saying import raises_saying

ROOT = "ab" * 32


def test_the_rate_is_the_share_of_receipts_audited() -> None:
    due = sum(audit_is_due(b"s" * 32, f"t{n}", 0, ROOT, 0.25) for n in range(4000))
    assert 900 < due < 1100


@given(st.binary(min_size=32, max_size=32), st.text(max_size=20), st.integers(0, 9))
def test_rate_one_audits_all_and_rate_zero_none(secret: bytes, name: str, stage: int) -> None:
    assert audit_is_due(secret, name, stage, ROOT, 1.0)
    assert not audit_is_due(secret, name, stage, ROOT, 0.0)


@given(st.floats(0, 1), st.floats(0, 1), st.text(max_size=9))
def test_what_is_due_at_a_rate_is_due_at_any_higher_one(
    one: float, other: float, name: str
) -> None:
    low, high = sorted((one, other))
    due = audit_is_due(b"s" * 32, name, 1, ROOT, low)
    assert not due or audit_is_due(b"s" * 32, name, 1, ROOT, high)


def test_the_draw_depends_on_every_part_of_the_receipt_and_on_the_secret() -> None:
    def draws(secret: bytes, prefix: str, stage: int, root: str) -> list[bool]:
        return [audit_is_due(secret, f"{prefix}{n}", stage, root, 0.5) for n in range(64)]

    base = draws(b"s" * 32, "t", 0, ROOT)
    assert base == draws(b"s" * 32, "t", 0, ROOT)
    assert base != draws(b"x" * 32, "t", 0, ROOT)
    assert base != draws(b"s" * 32, "u", 0, ROOT)
    assert base != draws(b"s" * 32, "t", 1, ROOT)
    assert base != draws(b"s" * 32, "t", 0, "cd" * 32)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(BadInputError):
        audit_is_due(b"s" * 32, "t", 0, ROOT, rate)


@pytest.mark.parametrize(
    ("slash", "collusion", "detection", "percent"),
    [
        (12, 0.1, 1.0, 8.42),
        (100, 0.1, 1.0, 1.10),
        (100, 0.5, 0.9, 2.20),
        (50, 0.0, 0.95, 2.06),
        (50, 0.2, 0.9, 2.71),
    ],
)
def test_the_least_rate_is_that_of_the_published_table(
    slash: float, collusion: float, detection: float, percent: float
) -> None:
    incentives = Incentives(1, 0, 1.2, slash, collusion, detection)
    assert round(least_audit_rate(incentives) * 100, 2) == percent


def test_false_slashes_raise_the_least_rate_until_none_will_do() -> None:
    fair = Incentives(1, 0, 1.2, 50)
    unfair = Incentives(1, 0, 1.2, 50, false_slash=0.2)
    assert least_audit_rate(unfair) > least_audit_rate(fair)
    with raises_saying(BadInputError, match="No audit rate"):
        least_audit_rate(Incentives(1, 0, 1.2, 50, false_slash=1.0, detection=0.5))


def test_where_cheating_saves_nothing_no_audit_is_needed() -> None:
    assert least_audit_rate(Incentives(1, 1, 1, 1)) == 0
