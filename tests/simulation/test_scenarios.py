"""Racks under deaths, hangs, absences, cancels and new requests: what must hold holds.

A seed that fails tells the line that plays it again. `SHARDLOOM_SEEDS=20` in the environment plays
fewer than the default; `make soak` plays 10,000.
"""

from __future__ import annotations

import os

import pytest

from app.simulation.scenario import run_seed

SEEDS = range(int(os.environ.get("SHARDLOOM_SEEDS", "300")))
CROWDED = (0, 11, 12, 25)
"""Seeds of which requests decode together."""


@pytest.mark.parametrize("seed", SEEDS)
def test_requests_end_as_if_undisturbed_or_with_a_reason(seed: int) -> None:
    report = run_seed(seed)
    assert not report.problems, report.line
    assert report.settled > 0


def test_a_seed_plays_the_same_again() -> None:
    once, again = run_seed(1), run_seed(1)
    assert once.settled
    assert once.faults
    assert once.accepted
    assert once.rejected
    assert once == again


def test_faults_come_while_requests_share_steps() -> None:
    assert any(run_seed(seed).shared_steps for seed in CROWDED)
