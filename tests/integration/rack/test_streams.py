"""Several requests at once: decoded together in groups, and how their texts end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import BadInputError
from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Ask, Cancel, Inject, Sampling
from app.rack.options import RackOptions
from app.rack.requests import request_queue
from app.rack.service import RackService
from app.rack.snapshot import RackSnapshot, RequestState
from tests.integration.rack.support import (
    HELD,
    PATIENCE,
    finish,
    open_rack_of,
    open_virtual_rack,
    paused_before,
    wait_for,
)
from tests.saying import raises_saying
from workers.protocol.boundary import Boundary

STREAMS = 8
WARM = Sampling(temperature=0.8, top_p=0.9)


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RackService]:
    home = tmp_path_factory.mktemp("home")
    options = RackOptions(
        home=home, rack="virtual:2", slots=STREAMS, patience=PATIENCE, balancing=Balancing.OFF
    )
    with open_rack_of(options) as opened:
        yield opened


def _all_at_once(
    rack: RackService, samplings: list[Sampling], tokens: int
) -> list[tuple[int, ...]]:
    started = [rack.do(Ask(Complete("In the beginning"), tokens, each)) for each in samplings]
    requests = [finish(rack, future.result(60)) for future in started]
    assert {request.state for request in requests} == {RequestState.SETTLED}
    assert sum(request.slashes + request.failovers for request in requests) == 0
    return [request.token_ids for request in requests]


def test_streams_side_by_side_give_what_each_gives_alone(rack: RackService) -> None:
    samplings = [replace(WARM, seed=seed) for seed in range(STREAMS)]
    together = _all_at_once(rack, samplings, 24)
    assert len(set(together)) > STREAMS // 2
    for sampling, tokens in list(zip(samplings, together, strict=True))[:3]:
        assert _all_at_once(rack, [sampling], 24) == [tokens]


def test_more_streams_than_slots_wait_their_turn(rack: RackService) -> None:
    answers = _all_at_once(rack, [Sampling()] * (STREAMS + 4), 8)
    assert len(set(answers)) == 1


def test_a_snapshot_shows_every_request_however_many_there_are(rack: RackService) -> None:
    futures = [rack.do(Ask(Complete("In the beginning"), 2)) for _ in range(60)]
    started = {future.result(60) for future in futures}

    def all_ended(snapshot: RackSnapshot) -> bool:
        return started <= {each.identifier for each in snapshot.requests if each.state.ended}

    wait_for(rack, all_ended)


def test_a_request_too_many_is_refused(rack: RackService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "MAXIMUM_REQUESTS", 1)
    with paused_before(HELD) as pause:
        first = rack.do(Ask(Complete("In the beginning"), 200)).result(60)
        pause.wait()
        with raises_saying(BadInputError, match="1 requests are under way"):
            rack.do(Ask(Complete("In the beginning"), 2)).result(60)
        rack.do(Cancel(first)).result(60)
        assert finish(rack, first).state is RequestState.CANCELLED


def test_a_text_ends_before_its_stop_text_and_pays_for_what_was_computed(rack: RackService) -> None:
    whole = finish(rack, rack.do(Ask(Complete("In the beginning"), 30)).result(60))
    stop = whole.settled_text[10:16]
    sampling = Sampling(stop=(stop, "never in it"))
    request = finish(rack, rack.do(Ask(Complete("In the beginning"), 30, sampling)).result(60))
    assert request.settled_text == whole.settled_text.split(stop)[0]
    assert request.token_ids == whole.token_ids[: len(request.token_ids)]
    assert len(request.token_ids) < len(whole.token_ids)


def test_how_likely_tokens_were_is_told_with_the_text_of_others(rack: RackService) -> None:
    sampling = Sampling(alternatives=3)
    request = finish(rack, rack.do(Ask(Complete("In the beginning"), 5, sampling)).result(60))
    assert len(request.choices) == 5
    for token, choices in zip(request.token_ids, request.choices, strict=True):
        assert choices.alternatives[0].token == token
        assert choices.alternatives[0].log_probability == choices.log_probability
        assert len({alternative.text for alternative in choices.alternatives}) == 3


@pytest.mark.parametrize(
    ("sampling", "told"),
    [
        (Sampling(alternatives=21), "At most 20"),
        (Sampling(stop=("",)), "at least one character"),
        (Sampling(seed=-1), "A seed"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_one_line(
    rack: RackService, sampling: Sampling, told: str
) -> None:
    with raises_saying(BadInputError, match=told):
        rack.do(Ask(Complete("And"), 4, sampling)).result(60)


def test_hidden_states_in_half_precision_pass_their_audits(tmp_path: Path) -> None:
    options = RackOptions(home=tmp_path, rack="virtual:3", boundary=Boundary.F16, patience=PATIENCE)
    with open_rack_of(options) as opened:
        request = finish(opened, opened.do(Ask(Complete("In the beginning"), 20, WARM)).result(60))
        assert (request.state, request.audits) == (RequestState.SETTLED, 3)
        assert request.slashes == 0


def test_a_liar_among_streams_is_found_and_every_text_is_right(tmp_path: Path) -> None:
    with open_virtual_rack(tmp_path, 3) as opened:
        alone = finish(opened, opened.do(Ask(Complete("In the beginning"), 20)).result(60))
        liar = opened.snapshot().phones[1].serial
        opened.do(Inject(Fault(FaultKind.WRONG_OUTPUT, liar, 5))).result(60)
        started = [opened.do(Ask(Complete("In the beginning"), 20)) for _ in range(4)]
        requests = [finish(opened, future.result(60)) for future in started]
        assert {request.token_ids for request in requests} == {alone.token_ids}
        assert sum(request.slashes for request in requests) >= 1
