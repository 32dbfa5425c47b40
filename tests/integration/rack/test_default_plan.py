"""The default plan of a real rack: what the streams get decides, and a table says so beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.__main__ import main
from app.faults.catalogue import Fault, FaultKind
from app.placement.asking.planner_process import PlannerProcess
from app.placement.asking.question import Heard, PlannerQuestion
from app.placement.problem import Objective, Plan
from app.rack.commands import Compare, Inject, Replan, RequestAssignment
from app.rack.compared_plans import PlanComparison
from app.rack.layers import problems
from app.rack.options import RackOptions
from app.rack.service import RackService
from app.rack.snapshot import RackSnapshot
from tests.assignments import held
from tests.integration.rack.support import PATIENCE, finish, open_rack_of, start, wait_for

APART = """
use = "{use}"
audit_rate = 0.0
""" + "".join(
    f"""
[[phones]]
serial = "APART-{number}"
name = "Phone {number}"
manufacturer = "Maker"
android_version = "14"
cores = 4
memory_bytes = 4_000_000_000
cpu_share = 0.15
link_latency_ms = 6.0
link_mbit_per_second = 100.0
"""
    for number in (1, 2)
)
"""Two slow phones, 12 ms apart."""


@pytest.fixture(autouse=True)
def _time_to_prove(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the planner prove what it finds, however busy the machine is."""
    monkeypatch.setattr(problems, "PLANNING_BUDGET_S", 60.0)


def rack_file(folder: Path, use: str) -> Path:
    file = folder / f"{use}.toml"
    file.write_text(APART.format(use=use))
    return file


@pytest.fixture
def rack(tmp_path: Path) -> Iterator[RackService]:
    file = rack_file(tmp_path, "best")
    options = RackOptions(home=tmp_path / "home", rack=str(file), patience=PATIENCE)
    with open_rack_of(options) as opened:
        yield opened


def streams_rate(row: PlanComparison) -> float:
    assert row.plan is not None
    return row.plan.prediction.streams_tokens_per_second


def is_proven(snapshot: RackSnapshot) -> bool:
    """Tell whether the last answer is there: the first need not be proven."""
    return snapshot.plan is not None and snapshot.plan.proven_optimal


def test_no_way_to_place_a_model_on_two_phones_far_apart_beats_the_default(
    rack: RackService,
) -> None:
    snapshot = wait_for(rack, lambda newest: newest.applied is not None and is_proven(newest))
    assert snapshot.objective is Objective.THROUGHPUT
    assert snapshot.plan is not None
    assert snapshot.plan.baseline is not None
    alone = snapshot.plan.baseline.prediction.streams_tokens_per_second
    assert snapshot.plan.prediction.streams_tokens_per_second >= alone * (1 - 1e-9)
    own, *others = rack.do(Compare()).result(60)
    permitted = [streams_rate(row) for row in (own, *others) if row.permitted]
    assert len(permitted) == 4
    assert streams_rate(own) >= max(permitted) * (1 - 1e-5)
    assert snapshot.applied is not None
    worker = snapshot.applied.serials[0]
    rack.do(Inject(Fault(FaultKind.CRASH, worker, 3))).result(60)
    request = finish(rack, start(rack, 8))
    assert len(request.token_ids) == 8
    after = rack.snapshot()
    assert after.applied is not None
    assert request.failovers == 1
    assert worker not in after.applied.serials


def test_the_rack_goes_on_while_it_plans_and_the_newest_wish_counts(
    rack: RackService, monkeypatch: pytest.MonkeyPatch
) -> None:
    planning, go_on = threading.Event(), threading.Event()
    answer = PlannerProcess.answer

    def held_answer(
        planner: PlannerProcess, question: PlannerQuestion, heard: Heard | None = None
    ) -> Plan:
        planning.set()
        assert go_on.wait(60)
        return answer(planner, question, heard)

    requested = rack.snapshot().requested
    assert requested is not None
    one, other = (phone.serial for phone in rack.snapshot().phones)
    halves = (held(one, 0, 3), held(other, 4, requested.layer_count - 1))
    by_hand = replace(requested, stages=halves)
    monkeypatch.setattr(PlannerProcess, "answer", held_answer)
    planned = rack.do(Replan(Objective.LATENCY, ()))
    assert planning.wait(60)
    expected = 8
    assert len(finish(rack, start(rack, expected)).token_ids) == expected
    rack.do(RequestAssignment(by_hand)).result(60)
    go_on.set()
    planned.result(60)
    assert rack.snapshot().requested == by_hand
    assert rack.snapshot().objective is Objective.THROUGHPUT
    rack.do(Replan(Objective.LATENCY, ())).result(60)
    assert rack.snapshot().objective is Objective.LATENCY


def test_a_rack_of_all_phones_says_among_which_plans_its_own_is_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "home"), "--rack", str(rack_file(tmp_path, "all"))]
    home += ["--patience", str(PATIENCE)]
    assert main(["plan", "demo", *home, "--compare"]) == 0
    said = capsys.readouterr().out
    assert "exact, proven among plans that use all phones" in said
    assert "leaves out phones that are to be used" in said
    assert main(["plan", "demo", *home, "--compare", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["proven_optimal"]
    assert report["uses_all_phones"]
    predicted = report["predicted"]
    rate = min(
        predicted["saturated_tokens_per_second"],
        predicted["streams"] * predicted["tokens_per_second"],
    )
    assert predicted["streams_tokens_per_second"] == pytest.approx(rate)
    standings = {row["name"]: row["standing"] for row in report["compared"]}
    assert standings["exact"] == "proven-of-all-phones"
    assert standings["best phone alone"] == "leaves-phones-out"
