"""Predictions by hand calculation, link defaults, footprints and baselines."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings

from app.core.assignment import Assignment
from app.core.device import LinkProfile
from app.core.errors import BadInputError
from app.core.identifiers import HOST, Serial
from app.core.model import ModelTask
from app.placement.baselines import equal_split
from app.placement.costs.costs import CostModel
from app.placement.costs.footprint import RUNTIME_BYTES, footprint_of
from app.placement.costs.links import HEADER_BYTES, TOKEN_BYTES, UNMEASURED_LINK, link_between
from app.placement.costs.rings import RECEIVE_JOULES_PER_BYTE, SEND_JOULES_PER_BYTE
from app.placement.costs.spans import AdditiveProblem, PhoneSpan
from app.placement.planner import plan
from app.placement.prediction import Predictor, predict
from app.placement.problem import Objective, PlacementProblem
from tests.assignments import blocks, held, placed
from tests.saying import raises_saying
from tests.unit.placement.support import MEGABYTE, blob, model_of, phone, problem_of, problems

A, B = Serial("a"), Serial("b")


def two_stages() -> Assignment:
    return placed("toy", 4, (held(A, 0, 2), held(B, 3, 3)))


def test_prediction_equals_the_sums_done_by_hand() -> None:
    model = model_of((10 * MEGABYTE,) * 4, kv_bytes_per_token=1000)
    problem = problem_of(model, phone("a"), phone("b", gigabytes_per_second=0.5))
    prediction = predict(problem, two_stages())
    read_a = 1000 + 3 * (10 * MEGABYTE + 1000 * 64)
    read_b = 10 * MEGABYTE + 1000 * 64 + 2 * MEGABYTE
    compute_a, compute_b = read_a / 1e9 + 0.0005, read_b / 0.5e9 + 0.0005
    state, token = (HEADER_BYTES + 1000) / 1e6, (HEADER_BYTES + TOKEN_BYTES) / 1e6
    assert [stage.compute_s for stage in prediction.stages] == pytest.approx([compute_a, compute_b])
    by_ring, by_host = 0.002 + token, 2 * (0.002 + token)
    back = 7 / 8 * by_ring + 1 / 8 * by_host
    latency_s = compute_a + compute_b + 0.002 + state + back
    assert prediction.token_latency_s == pytest.approx(latency_s)
    assert prediction.closed
    assert prediction.saturated_tokens_per_second == pytest.approx(1 / max(compute_a, compute_b))
    sent, received = state + token + 7 / 8 * token, state + token
    radio = (sent * SEND_JOULES_PER_BYTE + received * RECEIVE_JOULES_PER_BYTE) * 1e6
    joules = 4.0 * (compute_a + compute_b) + radio
    assert prediction.energy_joules_per_token == pytest.approx(joules)


BY_HOST_S = 2 * (0.002 + (HEADER_BYTES + TOKEN_BYTES) / 1e6)
"""What a token pays from the last phone over the host to the first, on links all alike."""


def test_a_ring_whose_way_back_is_longer_than_by_the_host_stays_open() -> None:
    problem = problem_of(model_of((MEGABYTE,) * 4), phone("a"), phone("b"))
    slow = replace(problem, links={**problem.links, (B, A): LinkProfile(0.0041, 1e6)})
    prediction = predict(slow, two_stages())
    assert not prediction.closed
    assert prediction.stages[-1].hop_s == pytest.approx(BY_HOST_S)


def test_the_planner_looks_at_the_way_back_and_not_only_at_the_hops() -> None:
    names = tuple(map(Serial, "abc"))
    links = {
        pair: LinkProfile(0.03 if HOST in pair else 0.002, 1e6)
        for pair in permutations((*names, HOST), 2)
    }
    quick = {pair: LinkProfile(0.001, 1e6) for pair in pairwise(names)}
    slow_back = {(names[2], names[0]): LinkProfile(0.05, 1e6)}
    phones = [phone(name) for name in names]
    model = model_of((MEGABYTE,) * 3)
    problem = problem_of(model, *phones, links=links | quick | slow_back, use_all=True)
    hops = plan(problem).assignment.serials
    assert "".join(hops) in {"acb", "cba", "bac"}


def test_a_model_that_writes_nothing_leaves_every_ring_open() -> None:
    model = replace(model_of((MEGABYTE,) * 4), task=ModelTask.EMBEDDING)
    alone = placed("toy", 4, (held(A, 0, 3),))
    for assignment in (alone, two_stages()):
        prediction = predict(problem_of(model, phone("a"), phone("b")), assignment)
        assert (prediction.closed, prediction.writes) == (False, False)
        assert prediction.stages[-1].hop_s == pytest.approx(BY_HOST_S)


def test_a_phone_alone_feeds_itself_and_waits_for_the_host_now_and_then() -> None:
    problem = problem_of(model_of((MEGABYTE,) * 4), phone("a"))
    prediction = predict(problem, placed("toy", 4, (held(A, 0, 3),)))
    assert prediction.closed
    assert prediction.stages[0].hop_s == pytest.approx(BY_HOST_S / 8)


def test_memory_is_weights_and_kv_for_all_slots_and_the_runtime() -> None:
    model = model_of((10 * MEGABYTE,) * 4, kv_bytes_per_token=1000)
    prediction = predict(problem_of(model, phone("a", 30), phone("b", 13)), two_stages())
    kv = 1000 * 128 * 2
    assert prediction.stages[0].needed_bytes == RUNTIME_BYTES + 33 * MEGABYTE + 3 * kv
    assert prediction.stages[1].needed_bytes == RUNTIME_BYTES + 12 * MEGABYTE + kv
    assert [stage.fits for stage in prediction.stages] == [False, True]
    assert prediction.stages[0].headroom_bytes == -(3 * MEGABYTE + 3 * kv)
    assert not prediction.fits


def test_a_tied_file_counts_once_on_one_phone_and_once_on_each_of_two() -> None:
    model = model_of((10 * MEGABYTE,) * 4, 7 * MEGABYTE, tied=True, kv_bytes_per_token=0)
    span_bytes = footprint_of(problem_of(model, phone("a"))).span_bytes
    assert span_bytes[0, 4] == RUNTIME_BYTES + 47 * MEGABYTE
    assert span_bytes[0, 3] + span_bytes[3, 4] == 2 * RUNTIME_BYTES + 54 * MEGABYTE


@settings(max_examples=50, deadline=None)
@given(problem=problems())
def test_span_memory_is_that_of_the_distinct_files_of_the_span(problem: PlacementProblem) -> None:
    model, footprint = problem.model, footprint_of(problem)
    for first in range(model.layer_count):
        for last in range(first, model.layer_count):
            files = sum(one.size_bytes for one in model.blobs_of(blocks(model, first, last)))
            held_blocks = model.blocks_of(blocks(model, first, last))
            kv = sum(block.kv_bytes_per_token for block in held_blocks) * 128 * 2
            assert footprint.span_bytes[first, last + 1] == RUNTIME_BYTES + files + kv


def test_push_bytes_leave_out_what_a_phone_already_stores() -> None:
    model = model_of((10 * MEGABYTE,) * 4)
    resident = {A: frozenset({blob(0, 0).sha256, blob(3, 0).sha256})}
    problem = problem_of(model, phone("a"), phone("b"), resident=resident)
    prediction = predict(problem, two_stages())
    assert [stage.push_bytes for stage in prediction.stages] == [20 * MEGABYTE, 12 * MEGABYTE]
    assert prediction.push_bytes == 32 * MEGABYTE


def cost_of(table: AdditiveProblem, spans: tuple[PhoneSpan, ...]) -> float:
    ring = [span.device for span in spans]
    hops = sum(float(table.hop_cost[pair]) for pair in pairwise(ring))
    hops += float(table.back_cost[ring[-1], ring[0]])
    return hops + sum(float(table.span_cost[span]) for span in spans)


@settings(max_examples=40, deadline=None)
@given(problem=problems())
def test_planner_tables_and_predictions_agree(problem: PlacementProblem) -> None:
    costs = CostModel(problem)
    split = equal_split(problem)
    index_of = {serial: at for at, serial in enumerate(costs.serials)}
    spans = tuple(
        PhoneSpan(index_of[stage.serial], stage.first_layer, stage.last_layer + 1)
        for stage in split.stages
    )
    prediction = Predictor(problem, costs).predict(split)
    if not all(costs.allowed[span] for span in spans):
        return
    latency_s = cost_of(costs.table(Objective.LATENCY), spans)
    assert prediction.token_latency_s == pytest.approx(latency_s)
    joules = cost_of(costs.table(Objective.ENERGY), spans)
    assert prediction.energy_joules_per_token == pytest.approx(joules)


def test_assignments_of_other_racks_or_models_are_refused() -> None:
    predictor = Predictor(problem_of(model_of((MEGABYTE,) * 4), phone("a")))
    with raises_saying(BadInputError, match="b is not in this rack"):
        predictor.predict(two_stages())
    with raises_saying(BadInputError, "for 1 decoder layer, model toy has 4 decoder layers"):
        predictor.predict(placed("toy", 1, (held(A, 0, 0),)))


def test_an_unmeasured_pair_goes_through_the_host_links() -> None:
    links = {(A, HOST): LinkProfile(0.003, 2e6), (HOST, B): LinkProfile(0.004, 2e6)}
    derived = link_between(links, A, B)
    assert derived.latency_s == pytest.approx(0.007)
    assert derived.bytes_per_second == pytest.approx(1e6)
    assert link_between(links, HOST, A) == links[A, HOST]
    assert link_between({}, A, HOST) == UNMEASURED_LINK


def test_a_rack_without_any_measured_link_is_still_planned() -> None:
    problem = problem_of(model_of((MEGABYTE,) * 4), phone("a"), phone("b"), links={})
    assert plan(problem).prediction.token_latency_s > 2 * UNMEASURED_LINK.latency_s / 8
    assert predict(problem, two_stages()).token_latency_s > 2 * UNMEASURED_LINK.latency_s


def test_equal_split_gives_the_rest_to_the_first_phones() -> None:
    phones = (phone("a"), phone("b"), phone("c"))
    split = equal_split(problem_of(model_of((MEGABYTE,) * 8), *phones))
    assert [stage.layer_count for stage in split.stages] == [3, 3, 2]
    few = equal_split(problem_of(model_of((MEGABYTE,) * 2), *phones))
    assert few.serials == (A, B)


def test_baseline_is_the_best_phone_that_holds_everything() -> None:
    model = model_of((10 * MEGABYTE,) * 4)
    quick_but_small = phone("a", 30, 9.0)
    problem = problem_of(model, quick_but_small, phone("b", 90, 1.0), phone("c", 90, 2.0))
    baseline = plan(problem).baseline
    assert baseline is not None
    assert baseline.assignment.serials == (Serial("c"),)
    small = problem_of(model, phone("a", 30), phone("b", 30))
    assert plan(small).baseline is None


def test_unmeasured_speeds_are_refused() -> None:
    model = model_of((MEGABYTE,))
    with raises_saying(BadInputError, match="a has no measured speed"):
        plan(problem_of(model, phone("a", gigabytes_per_second=0)))
    dead = {(A, HOST): LinkProfile(0.001, 0.0)}
    with raises_saying(BadInputError, match="link from a to host has no measured speed"):
        plan(problem_of(model, phone("a"), links=dead))
