"""The benchmark of planning, small: every figure is measured and written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.benchmarks import plan


def test_bench_plan_measures_planning_and_the_loop_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "SIZES", ((8, 5), (15, 13)))
    monkeypatch.setattr(plan, "LONGEST_S", 1.0)
    page = tmp_path / "benchmarks.md"
    assert main(["bench", "plan", "--rounds", "2", "--json", "--markdown", str(page)]) == 0
    sizes = json.loads(capsys.readouterr().out)["plans"]
    assert [(each["layers"], each["phones"], each["streams"]) for each in sizes] == [
        (8, 5, 4),
        (8, 5, 16),
        (15, 13, 4),
        (15, 13, 16),
    ]
    plannings = [each for size in sizes for each in size["plannings"]]
    assert len(plannings) == 8
    assert all(0 < each["first"]["after_s"] <= each["last"]["after_s"] for each in plannings)
    assert all(0 < each["first"]["rate"] <= each["last"]["rate"] for each in plannings)
    assert all(each["last"]["proven"] for each in plannings[:4])
    assert "| 8 x 5 | 4 |" in page.read_text()
