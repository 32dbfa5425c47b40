"""The rack as front ends use it: assignments by hand, cancelling, plans compared."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.assignment import Assignment
from app.core.device import DeviceState
from app.core.errors import BadInputError
from app.core.identifiers import RequestId, Serial
from app.core.model import Blob
from app.core.tasks import Complete
from app.devices.adb.link import Progress
from app.devices.deployment.deployment import Deployer
from app.faults.catalogue import Fault, FaultKind
from app.models.library import Library
from app.placement.problem import Objective
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import (
    AddStake,
    Apply,
    Ask,
    Cancel,
    Compare,
    Inject,
    Replan,
    RequestAssignment,
    Sampling,
    UseModel,
)
from app.rack.options import RackOptions
from app.rack.service import RackService, open_rack
from app.rack.snapshot import Phase, RackSnapshot, RequestState
from app.words.sentences import error_text, facts_text
from tests.assignments import held, pinned, placed
from tests.integration.rack.support import (
    HELD,
    PATIENCE,
    READY,
    finish,
    generate,
    open_rack_of,
    open_virtual_rack,
    paused_before,
    request_in,
    shifted,
    start,
    tokens_so_far,
    virtual_phones,
    wait_for,
    wait_until,
)
from tests.saying import raises_saying
from tests.unit.models.families import write_family

SHY_RACK = """
name = "shy"
use = "all"
audit_rate = 1.0

[[phones]]
serial = "SHY-1"
name = "Shy"
manufacturer = "Nobody"
android_version = "14"
cores = 4
memory_bytes = 4_000_000_000
battery_percent = 80
temperature_celsius = 30.0
accept_keys = "ask"
"""

TOKENS = 20
LONG = 60
"""More tokens than a ring decodes on end: a text of so many has not ended where one waits."""


@pytest.fixture(scope="module")
def home_of_rack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def rack(home_of_rack: Path) -> Iterator[RackService]:
    with open_virtual_rack(home_of_rack, 3) as opened:
        yield opened


def waits_for_its_owner(snapshot: RackSnapshot) -> bool:
    states = [phone.state for phone in snapshot.phones]
    return snapshot.phase is Phase.FAILED and states == [DeviceState.UNAUTHORIZED]


def test_an_assignment_made_by_hand_is_requested_first_and_applied_only_when_told(
    rack: RackService,
) -> None:
    before = rack.snapshot().applied
    assert before is not None
    wanted = shifted(before)
    rack.do(RequestAssignment(wanted)).result(60)
    snapshot = rack.snapshot()
    assert snapshot.requested == wanted
    assert snapshot.applied == before
    assert snapshot.prediction == rack.predict(wanted)
    rack.do(Apply()).result(60)
    assert wait_for(rack, lambda snapshot: snapshot.applied == wanted)
    request = generate(rack, 8)
    assert request.assignment == wanted


def test_times_measured_for_other_layers_are_not_shown_for_new_ones(rack: RackService) -> None:
    generate(rack, 8)
    applied = rack.snapshot().applied
    assert applied is not None
    assert wait_for(rack, lambda snapshot: all(_has_stage_times(snapshot, applied)))
    wanted = shifted(applied)
    rack.do(RequestAssignment(wanted)).result(60)
    rack.do(Apply()).result(60)
    kept = [stage in applied.stages for stage in wanted.stages]
    assert sorted(kept) == [False, False, True]
    assert wait_for(rack, lambda snapshot: _has_stage_times(snapshot, wanted) == kept)
    generate(rack, 8)
    assert wait_for(rack, lambda snapshot: all(_has_stage_times(snapshot, wanted)))


def _has_stage_times(snapshot: RackSnapshot, assignment: Assignment) -> list[bool]:
    """Tell of each stage in ring order whether there is a time that it took."""
    phones = {phone.serial: phone for phone in snapshot.phones}
    measured = [phones[serial].telemetry for serial in assignment.serials]
    return [telemetry is not None and telemetry.stage_ms is not None for telemetry in measured]


def test_a_running_request_moves_over_without_losing_a_token(rack: RackService) -> None:
    expected = generate(rack, LONG).token_ids
    applied = rack.snapshot().applied
    assert applied is not None
    with paused_before(HELD) as pause:
        identifier = start(rack, LONG)
        pause.wait()
        rack.do(RequestAssignment(shifted(applied))).result(60)
        rack.do(Apply()).result(60)
    request = finish(rack, identifier)
    assert request.state is RequestState.SETTLED
    assert request.token_ids == expected
    assert request.failovers == 0
    assert request.receipts == 6


def test_text_is_unverified_until_its_request_settles(rack: RackService) -> None:
    with paused_before(HELD):
        identifier = start(rack, TOKENS)
        streaming = wait_for(rack, lambda newest: tokens_so_far(newest, identifier) == HELD - 1)
        request = request_in(streaming, identifier)
        assert request is not None
        assert request.state is RequestState.DECODING
        assert request.settled_text == ""
        assert request.open_text != ""
    settled = finish(rack, identifier)
    assert settled.open_text == ""
    assert settled.settled_text.startswith(request.settled_text + request.open_text)


def test_a_cancelled_request_keeps_its_tokens_and_pays_for_them(rack: RackService) -> None:
    with paused_before(HELD) as pause:
        identifier = start(rack, TOKENS)
        pause.wait()
        rack.do(Cancel(identifier)).result(60)
        rack.do(Cancel(identifier)).result(60)
        request = finish(rack, identifier)
    assert request.state is RequestState.CANCELLED
    assert len(request.token_ids) == HELD - 1
    assert request.open_text == ""
    assert request.audits == 3


def test_sampling_gives_the_same_tokens_for_the_same_seed_whatever_the_assignment(
    rack: RackService,
) -> None:
    def sampled(seed: int) -> tuple[int, ...]:
        identifier = rack.do(Ask(Complete("And"), 20, Sampling(0.9, 0.95, seed))).result(60)
        request = finish(rack, identifier)
        assert request.state is RequestState.SETTLED
        return request.token_ids

    first, other_seed = sampled(7), sampled(8)
    applied = rack.snapshot().applied
    assert applied is not None
    rack.do(RequestAssignment(shifted(applied))).result(60)
    rack.do(Apply()).result(60)
    assert sampled(7) == first
    assert other_seed != first


@pytest.mark.parametrize(
    ("prompt", "tokens", "told"),
    [((), 4, "empty"), ((5000,), 4, "2047"), ((5,), 0, "one token"), ((5,), 2000, "context")],
)
def test_an_impossible_request_is_refused_in_one_line(
    rack: RackService, prompt: tuple[int, ...], tokens: int, told: str
) -> None:
    with raises_saying(BadInputError, match=told) as caught:
        rack.do(Ask(Complete(prompt), tokens)).result(60)
    assert "\n" not in error_text(caught.value)


def test_a_pin_is_honoured_and_an_impossible_pin_changes_nothing(rack: RackService) -> None:
    snapshot = rack.snapshot()
    assert snapshot.applied is not None
    serial = snapshot.applied.serials[-1]
    rack.do(Replan(Objective.LATENCY, (pinned(serial, 0, 1),))).result(60)
    planned = wait_for(rack, lambda snapshot: bool(snapshot.pins)).requested
    assert planned is not None
    span = planned.stage_of(serial)
    assert span is not None
    assert (span.first_layer, span.last_layer >= 1) == (0, True)
    with pytest.raises(BadInputError):
        rack.do(Replan(Objective.LATENCY, (pinned(serial, 0, 99),))).result(60)
    assert rack.snapshot().requested == planned
    rack.do(Replan(Objective.THROUGHPUT, ())).result(60)


@pytest.mark.usefixtures("rack")
def test_a_second_rack_on_the_same_home_fails_with_a_reason(home_of_rack: Path) -> None:
    second = open_rack(RackOptions(home=home_of_rack, rack="virtual:1", patience=PATIENCE))
    try:
        with raises_saying(BadInputError, match="Another Shardloom"):
            second.do(Ask(Complete("x"), 1)).result(60)
        assert second.snapshot().phase is Phase.FAILED
    finally:
        second.close().result(60)


def test_a_phone_this_rack_does_not_have_is_refused(rack: RackService) -> None:
    with raises_saying(BadInputError, match="no phone X"):
        rack.do(Inject(Fault(FaultKind.SLOW, Serial("X")))).result(60)
    with raises_saying(BadInputError, match="no phone X"):
        rack.do(AddStake(Serial("X"), 1)).result(60)


def test_an_unknown_model_is_refused_and_the_known_ones_are_named(rack: RackService) -> None:
    with raises_saying(BadInputError, match="demo"):
        rack.do(UseModel("nothing")).result(60)
    assert generate(rack, 4).state is RequestState.SETTLED


def test_a_cancelled_deployment_leaves_the_applied_assignment_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_virtual_rack(tmp_path, 2) as rack:
        before = rack.snapshot().applied
        assert before is not None
        slowest = before.serials[1]
        whole = placed(
            before.model,
            before.layer_count,
            (held(slowest, 0, before.layer_count - 1),),
        )
        rack.do(RequestAssignment(whole)).result(60)
        begun, goes_on, push = threading.Event(), threading.Event(), Deployer.push_blob

        def push_later(deployer: Deployer, path: Path, blob: Blob, progress: Progress) -> None:
            begun.set()
            assert goes_on.wait(60)
            push(deployer, path, blob, progress)

        monkeypatch.setattr(Deployer, "push_blob", push_later)
        applying = rack.do(Apply())
        assert begun.wait(60)
        wait_for(rack, lambda snapshot: snapshot.phase is Phase.DEPLOYING)
        assert applying.cancel()
        rack.do(Cancel(RequestId("none"))).result(60)  # done after it, on the same thread
        goes_on.set()
        snapshot = wait_for(rack, lambda snapshot: snapshot.phase in READY)
        assert snapshot.applied == before
        assert generate(rack, 6).assignment == before
        rack.do(Apply()).result(60)
        assert generate(rack, 6).assignment == whole


def test_a_rack_opened_before_its_phone_accepts_this_computer_begins_when_it_does(
    tmp_path: Path,
) -> None:
    rack_file = tmp_path / "shy.toml"
    rack_file.write_text(SHY_RACK)
    options = RackOptions(home=tmp_path / "home", rack=str(rack_file), patience=PATIENCE)
    rack = open_rack(options)
    try:
        waiting = wait_until(rack, waits_for_its_owner)
        assert "No phone of this rack is ready" in facts_text(waiting.notices)
        virtual_phones(rack).accept_key("SHY-1")
        wait_until(rack, lambda snapshot: snapshot.phase is Phase.READY)
        assert generate(rack, 4).state is RequestState.SETTLED
    finally:
        rack.close().result(60)


def test_what_phones_already_store_is_not_pushed_again(rack: RackService) -> None:
    applied = rack.snapshot().applied
    assert applied is not None
    prediction = rack.predict(applied)
    assert prediction is not None
    assert prediction.push_bytes == 0


def test_plans_are_compared_and_none_beats_the_exact_one(rack: RackService) -> None:
    compared = {plan.name: plan for plan in rack.do(Compare()).result(60)}
    assert set(compared) == {
        "exact",
        "LinguaLinked linear program",
        "equal split",
        "best phone alone",
    }
    rates = {
        name: each.plan.prediction.streams_tokens_per_second
        for name, each in compared.items()
        if each.plan is not None and each.permitted
    }
    assert rates["exact"] == pytest.approx(rates["LinguaLinked linear program"], rel=0.02)
    assert rates["equal split"] <= rates["exact"] * 1.0001


def test_a_rack_with_more_phones_than_layers_uses_as_many_as_there_are_layers(
    tmp_path: Path,
) -> None:
    Library(tmp_path).import_folder(write_family(tmp_path / "checkpoint", "llama"), "small")
    options = RackOptions(
        home=tmp_path,
        rack="virtual:4",
        model="small",
        patience=PATIENCE,
        balancing=Balancing.OFF,
    )
    with open_rack_of(options) as rack:
        applied = rack.snapshot().applied
        assert applied is not None
        assert [stage.layer_count for stage in applied.stages] == [1] * 3
        (free,) = {phone.serial for phone in rack.snapshot().phones} - set(applied.serials)
        rack.do(RequestAssignment(applied.with_phone(0, free))).result(60)
        rack.do(Apply()).result(60)
        request = finish(rack, rack.do(Ask(Complete((5, 3, 77)), 4)).result(60))
        assert request.assignment is not None
        assert free in request.assignment.serials
