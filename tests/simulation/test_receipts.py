"""Phones that keep receipts under partitions, deaths, losses and liars: what must hold holds.

`SHARDLOOM_RECEIPT_SEEDS=5000` in the environment plays more; `make soak` does.
"""

from __future__ import annotations

import os

import pytest

from app.simulation.receipts.racks import lose_two_of
from app.simulation.receipts.scenario import HEAL_LIMIT_S, run_receipts_seed

SEEDS = range(int(os.environ.get("SHARDLOOM_RECEIPT_SEEDS", "15")))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_receipt_is_lost_and_every_lie_is_found(seed: int) -> None:
    report = run_receipts_seed(seed)
    assert not report.problems, report.line


def test_a_seed_plays_the_same_again_and_seeds_bring_losses_and_lies() -> None:
    reports = [run_receipts_seed(seed) for seed in (2, 2, 3, 5)]
    assert reports[0] == reports[1]
    assert any(each.lost_phones for each in reports)
    assert any(each.lies for each in reports)


def test_two_phones_lost_at_once_lose_nothing_that_counted_as_stored() -> None:
    found = lose_two_of(phones=24, receipts=48, seed=7)
    assert found.stored == found.receipts
    assert not found.lost
    assert found.healed_s <= HEAL_LIMIT_S
