"""What tokens rest on: shown as signed, left by the layers, made by the head, or found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audit_outcome import AuditOutcome
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.proof.answers.grounds import ShownGrounds
from app.proof.audit import audit
from app.proof.case import AuditCase, AuditMethod, AuditReason
from app.proof.quick.together import passes_together
from app.proof.stage_parts import open_shard
from app.proof.tolerance import WITHOUT_MEASURE
from app.simulation.adversary.cheap_graphs import in_head, of_4_bits, with_weights
from tests.unit.models.support import write_random
from tests.unit.proof.rounding_support import Rounding, on_other_processors
from tests.unit.proof.support import RingShard, cut, run_ring
from workers.identity.grounds import PROBES, grounds_of, probe_seed, probed_tokens
from workers.protocol.wire import Tensor

COUNT = 5
SPANS = ((0, 1), (2, 3))
LAST = 1
HERE = "here"


@pytest.fixture(scope="module", params=[Quantization.F32, Quantization.Q8])
def shards(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RingShard, ...]:
    return ring(tmp_path_factory.mktemp("grounds"), request.param)


def ring(folder: Path, quantization: Quantization) -> tuple[RingShard, ...]:
    library = Library(folder / "home")
    model = library.import_folder(write_random(folder / "checkpoint"), "tiny", quantization)
    return cut(library, model, SPANS)


def last_case(
    shards: tuple[RingShard, ...], alter: Callable[[Tensor], Tensor] = lambda grounds: grounds
) -> AuditCase:
    return run_ring(shards, COUNT, alter_grounds=alter).cases[LAST]


def test_they_are_what_goes_into_the_head_and_what_comes_of_it(
    shards: tuple[RingShard, ...],
) -> None:
    case = last_case(shards)
    for step in case.steps:
        assert (step.grounds is not None) == step.wants_token
        if step.grounds is not None:
            assert step.grounds.shape == (PROBES + case.shape.hidden_size,)
    assert audit(case).method is AuditMethod.EXACT
    assert audit(case).passed


def _other_row(grounds: Tensor) -> Tensor:
    return np.concatenate([grounds[:PROBES], grounds[PROBES:] * np.float32(1.5)])


def _other_logit(grounds: Tensor) -> Tensor:
    altered = grounds.copy()
    altered[3] += np.float32(0.02) * np.abs(altered[:PROBES]).max()
    return altered


def _no_number(grounds: Tensor) -> Tensor:
    altered = grounds.copy()
    altered[-1] = np.nan
    return altered


@pytest.mark.parametrize(
    "lie", [_other_row, _other_logit, _no_number, lambda grounds: grounds[:PROBES]]
)
def test_a_lie_about_them_is_found_though_every_token_and_figure_is_right(
    shards: tuple[RingShard, ...], lie: Callable[[Tensor], Tensor]
) -> None:
    case = last_case(shards, lie)
    assert passes_together(case, open_shard) is None
    found = audit(case)
    assert (found.outcome, found.reason) == (AuditOutcome.FAILED, AuditReason.WRONG_OUTPUT)


def test_who_shows_others_than_it_signed_for_has_disowned_them(
    shards: tuple[RingShard, ...],
) -> None:
    case = last_case(shards)
    shown = [
        replace(step, grounds=None if step.grounds is None else -step.grounds)
        for step in case.steps
    ]
    for steps in (shown, [replace(step, grounds=None) for step in shown]):
        other = replace(case, steps=tuple(steps))
        assert passes_together(other, open_shard) is None
        assert audit(other).reason is AuditReason.GROUNDS_DISOWNED


def test_an_older_receipt_is_held_to_what_it_says(shards: tuple[RingShard, ...]) -> None:
    case = last_case(shards)
    steps = tuple(replace(step, grounds=None) for step in case.steps)
    older = replace(case, receipt=replace(case.receipt, grounds=None), steps=steps)
    assert audit(older).passed


def test_on_another_processor_a_head_of_4_bits_is_told_from_rounding(
    tmp_path: Path,
) -> None:
    shards = ring(tmp_path, Quantization.Q8)
    for rounding in (Rounding.NONE, Rounding.BLOCKS):
        honest = run_ring(on_other_processors(shards, rounding), COUNT).cases[LAST]
        foreign = replace(honest, host_class=HERE, registered_class="class")
        assert not audit(foreign).failed
    cheap = with_weights(shards[LAST].graph_path, "cheap", in_head(of_4_bits))
    lies = replace(shards[LAST], runs=None, graph_path=cheap)
    case = run_ring((shards[0], lies), COUNT).cases[LAST]
    case = replace(case, graph_path=shards[LAST].graph_path)
    found = audit(replace(case, host_class=HERE, registered_class="class"))
    assert not found.passed
    head = found.evidence.get("rounding_of_head", found.evidence["rounding"])
    assert head["median"] > 0.1


@given(st.text(max_size=8), st.integers(0, 1 << 40), st.integers(1, 200_000))
def test_probed_tokens_follow_from_seed_and_place_and_are_in_the_vocabulary(
    name: str, end: int, vocabulary: int
) -> None:
    seed = probe_seed(name, "4" * 64)
    found = probed_tokens(seed, end, vocabulary)
    assert found.shape == (PROBES,)
    assert ((found >= 0) & (found < vocabulary)).all()
    assert np.array_equal(found, probed_tokens(seed, end, vocabulary))
    if vocabulary > 1000:
        assert not np.array_equal(found, probed_tokens(probe_seed(name, "5" * 64), end, vocabulary))
        logits = np.arange(vocabulary, dtype=np.float32)
        assert np.array_equal(grounds_of(logits, None, seed, end), found.astype(np.float32))


def _ruled_out(reference: Tensor, shown: Tensor) -> ShownGrounds:
    seed = probe_seed("t", "4" * 64)
    return ShownGrounds(probed_tokens(seed, 1, len(reference)), shown[:PROBES], None)


def test_a_token_that_the_head_rules_out_convicts_nobody_and_hides_nothing(
    shards: tuple[RingShard, ...],
) -> None:
    case = last_case(shards)
    step = next(each for each in case.steps if each.grounds is not None)
    assert step.grounds is not None
    seen = step.grounds.copy()
    seen[3] = -np.inf
    for wrong in (np.inf, np.nan):
        odd = seen.copy()
        odd[3] = wrong
        assert ShownGrounds.of(case, replace(step, grounds=odd), 100) is None
    assert ShownGrounds.of(case, replace(step, grounds=seen), 100) is not None
    logits = np.linspace(-2, 2, 64, dtype=np.float32)
    logits[probed_tokens(probe_seed("t", "4" * 64), 1, 64)[3]] = -np.inf
    grounds = grounds_of(logits, None, probe_seed("t", "4" * 64), 1)
    honest = _ruled_out(logits, grounds)
    assert honest.head_deviation(logits) == honest.head_share(logits) == 0.0
    lie = grounds.copy()
    lie[np.isfinite(lie)] += np.float32(1)
    assert _ruled_out(logits, lie).head_deviation(logits) > 1
    assert _ruled_out(logits, lie).head_share(logits) > 1
    lie = grounds.copy()
    lie[np.isfinite(lie)] = -np.inf
    assert _ruled_out(logits, lie).head_share(logits) == WITHOUT_MEASURE
    assert _ruled_out(logits, lie).head_deviation(logits) == WITHOUT_MEASURE
