from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.command_line.output.run_report import print_summary, report
from app.core.identifiers import RequestId, Serial
from app.placement.rebalancing.readings import Cause, CauseKind
from app.placement.rebalancing.setting import Balancing
from app.rack.snapshot import BalancingSnapshot, LayerMove, RequestSnapshot, RequestState
from tests.assignments import held, placed
from tests.unit.rack.snapshots import EMPTY_RACK

ASSIGNMENT = placed("demo", 4, (held(Serial("A"), 0, 1), held(Serial("B"), 2, 3)))
RACK = replace(EMPTY_RACK, requested=ASSIGNMENT, applied=ASSIGNMENT)


def request(number: int, tokens_per_second: float | None) -> RequestSnapshot:
    return RequestSnapshot(
        identifier=RequestId(f"r{number}"),
        prompt="In the",
        state=RequestState.SETTLED,
        state_reason=None,
        settled_text=" beginning [bold]",
        open_text="",
        token_ids=(7, 8),
        choices=(),
        tokens_wanted=2,
        time_to_first_token_ms=12.5,
        tokens_per_second=tokens_per_second,
        failovers=1,
        slashes=0,
        receipts=2,
        audits=2,
        assignment=ASSIGNMENT,
        stages=2,
        audited_stages=2,
        verified_tokens=2,
        verified=True,
    )


def partly(request: RequestSnapshot) -> RequestSnapshot:
    return replace(request, audited_stages=1, verified_tokens=0, verified=False)


def test_one_stream_is_one_object_with_every_promised_field() -> None:
    outcome = json.loads(json.dumps(report(RACK, (request(1, 30.0),))))
    assert outcome["token_ids"] == [7, 8]
    assert outcome["text"] == " beginning [bold]"
    assert outcome["tokens_per_second"] == 30.0
    assert outcome["time_to_first_token_ms"] == 12.5
    assert outcome["assignment"] == [
        {"serial": "A", "chain": "decoder", "first_layer": 0, "last_layer": 1},
        {"serial": "B", "chain": "decoder", "first_layer": 2, "last_layer": 3},
    ]
    counts = [outcome[name] for name in ("receipts", "audits", "slashes", "failovers")]
    assert counts == [2, 2, 0, 1]
    assert [outcome[name] for name in ("verified_tokens", "audited_stages", "stages")] == [2, 2, 2]
    assert "streams" not in outcome


def test_several_streams_add_up_and_are_listed() -> None:
    outcome = report(RACK, (request(1, 30.0), request(2, None)))
    assert outcome["tokens_per_second"] == 30.0
    assert (outcome["receipts"], outcome["failovers"]) == (4, 2)
    streams = outcome["streams"]
    assert isinstance(streams, list)
    assert len(streams) == 2


def test_text_is_printed_as_it_is_and_figures_follow(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(RACK, (request(1, 31.25),))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "In the beginning [bold]"
    assert "31.2 tok/s" in "\n".join(lines)
    assert "A layers 0-1, B layers 2-3" in "\n".join(lines)
    assert "Checked    verified" in lines


def test_a_run_of_which_not_every_stage_was_audited_is_settled_and_not_verified(
    capsys: pytest.CaptureFixture[str],
) -> None:
    requests = (request(1, 31.25), partly(request(2, 30.0)))
    outcome = report(RACK, requests)
    assert (outcome["verified_tokens"], outcome["audited_stages"], outcome["stages"]) == (2, 3, 4)
    print_summary(RACK, requests)
    printed = capsys.readouterr().out
    assert "Checked    settled, 3 of 4 stages audited" in printed.splitlines()
    assert "verified" not in printed


def test_moves_of_layers_are_told_with_their_causes(capsys: pytest.CaptureFixture[str]) -> None:
    after = placed("demo", 4, (held(Serial("A"), 0, 0), held(Serial("B"), 1, 3)))
    causes = (Cause(CauseKind.SLOWER, Serial("A"), 2.0),)
    move = LayerMove(1.0, causes, ASSIGNMENT, after, 0.3, 5, 12.0, 17.0, 0.2)
    rack = replace(RACK, balancing=BalancingSnapshot(Balancing.ON, None, (move,)))
    outcome = json.loads(json.dumps(report(rack, (request(1, 30.0),))))
    assert outcome["balancing"] == "on"
    (told,) = outcome["moves"]
    assert told["causes"] == [{"kind": "slower", "serial": "A", "figure": 2.0}]
    assert told["after"][0]["last_layer"] == 0
    assert (told["tokens_per_second_after"], told["stall_s"]) == (17.0, 0.2)
    print_summary(rack, (request(1, 30.0),))
    assert "17.0 tok/s instead of 12.0" in capsys.readouterr().out
