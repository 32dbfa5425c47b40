"""The benchmarks themselves: every variant is measured, and all give the same tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.benchmarks import decode, ledger, rack
from app.benchmarks.stages.random_model import LlamaSize

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_bench_rack_measures_every_variant_and_keeps_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rack, "TOKENS", 16)
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n\n## Other\n\nkept\n")
    assert main(["bench", "rack", "--rounds", "1", "--json", "--markdown", str(page)]) == 0
    variants = json.loads(capsys.readouterr().out)["variants"]
    names = [variant["variant"] for variant in variants]
    assert names == ["whole", "virtual:1", "virtual:2", "virtual:4"]
    assert all(variant["median"] > 0 and len(variant["rates"]) == 1 for variant in variants)
    written = page.read_text()
    assert "kept" in written
    assert all(f"| {name} |" in written for name in names)


def test_bench_decode_measures_stages_streams_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "TOKENS", 6)
    size = LlamaSize(
        layers=4, hidden_size=64, inner_size=96, heads=4, kv_heads=2, vocabulary_size=128
    )
    report = decode.measure(1, size)
    found = report.figures["models"]
    assert isinstance(found, list)
    assert [each["model"] for each in found] == ["f32", "q8", "q4", "small"]
    for each in found:
        assert sorted(each["stage_rates"]) == [2, 4]
        assert sorted(each["stream_rates"]) == [1, 2, 4, 8, 16]
        assert each["hop_bytes"] > 64 * 4
        assert all(stage["resident_bytes"] > stage["weight_bytes"] for stage in each["memory"])
    assert [len(table.rows) for table in report.tables] == [4, 4, 8]


def test_bench_ledger_commits_in_groups_beside_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RECEIPTS", 128)
    report = ledger.measure(2)
    found = report.figures["variants"]
    assert isinstance(found, list)
    single, grouped = found
    assert single["receipts_a_commit"] == [1.0, 1.0]
    assert all(count > 8 for count in grouped["receipts_a_commit"])
    assert all(len(each["rates"]) == 2 and min(each["rates"]) > 0 for each in found)
    assert [row[0] for row in report.tables[0].rows] == ["one commit an entry", "in groups"]
