"""How often audits must be due."""

from __future__ import annotations

import pytest

from app.core.errors import BadInputError
from app.proof.threshold import Incentives, least_audit_rate
from tests.saying import raises_saying


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
