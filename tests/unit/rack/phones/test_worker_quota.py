"""Places for workers go to those who ask first, and to others when they are left."""

from __future__ import annotations

from app.core.identifiers import Serial
from app.rack.phones.worker_quota import WorkerQuota

FIRST, SECOND = Serial("A"), Serial("B")


def test_a_place_is_kept_until_it_is_given_back() -> None:
    places = WorkerQuota(1)
    assert places.take(FIRST)
    assert not places.take(SECOND)
    assert places.take(FIRST)
    places.give_back(FIRST)
    assert places.take(SECOND)
    assert not places.take(FIRST)


def test_without_a_limit_there_is_a_place_for_everybody() -> None:
    places = WorkerQuota()
    assert all(places.take(Serial(str(number))) for number in range(100))


def test_giving_back_what_was_never_taken_changes_nothing() -> None:
    places = WorkerQuota(1)
    places.give_back(FIRST)
    assert places.take(SECOND)
    assert not places.take(FIRST)
