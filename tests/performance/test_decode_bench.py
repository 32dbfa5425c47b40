"""The benchmark itself: every variant is measured, and all give the same tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main


@pytest.mark.slow
@pytest.mark.xdist_group("rack")
def test_bench_decode_measures_every_variant_and_keeps_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n\n## Other\n\nkept\n")
    assert main(["bench", "decode", "--rounds", "1", "--json", "--markdown", str(page)]) == 0
    variants = json.loads(capsys.readouterr().out)["variants"]
    names = [variant["variant"] for variant in variants]
    assert names == ["whole", "virtual:1", "virtual:2", "virtual:4"]
    assert all(variant["median"] > 0 and len(variant["rates"]) == 1 for variant in variants)
    written = page.read_text()
    assert "kept" in written
    assert all(f"| {name} |" in written for name in names)
