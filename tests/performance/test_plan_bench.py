"""The benchmark of planning, small: every figure is measured and written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.benchmarks import plan


@pytest.mark.slow
def test_bench_plan_measures_planning_and_the_loop_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "SIZES", ((5, 8), (13, 15)))
    page = tmp_path / "benchmarks.md"
    assert main(["bench", "plan", "--rounds", "2", "--json", "--markdown", str(page)]) == 0
    plans = json.loads(capsys.readouterr().out)["plans"]
    assert [(each["phones"], each["streams"]) for each in plans] == [
        (5, 4),
        (5, 16),
        (13, 4),
        (13, 16),
    ]
    assert all(len(each["plan_s"]) == 2 and min(each["plan_s"]) > 0 for each in plans)
    assert all(0.5 < each["rate"] < 2 for each in plans)
    assert [each["proven"] for each in plans[:2]] == [True, True]
    assert "| 5 x 8 | 4 |" in page.read_text()
