"""The benchmarks themselves: every variant is measured, and all give the same tokens."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.__main__ import main
from app.benchmarks import decode, ledger, rack
from app.benchmarks.stages import long_reading
from app.benchmarks.stages.random_model import LlamaSize
from tests.soak import slice_of, slice_of_several

pytestmark = pytest.mark.timeout(600)
ALL_RACKS, ONE_RACK = rack.RACKS, rack.RACKS[1:2]
ALL_COUNTS = (decode.STAGE_COUNTS, decode.STREAM_COUNTS)
FEW_COUNTS = (decode.STAGE_COUNTS[:1], decode.STREAM_COUNTS[:2])


@pytest.mark.parametrize("racks", slice_of([ONE_RACK, ALL_RACKS], ONE_RACK), ids=len)
def test_bench_rack_measures_every_variant_and_keeps_the_figures(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    racks: tuple[str, ...],
) -> None:
    monkeypatch.setattr(rack, "TOKENS", 16)
    monkeypatch.setattr(rack, "RACKS", racks)
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n\n## Other\n\nkept\n")
    assert main(["bench", "rack", "--rounds", "1", "--json", "--markdown", str(page)]) == 0
    variants = json.loads(capsys.readouterr().out)["variants"]
    names = [variant["variant"] for variant in variants]
    assert names == ["whole", *racks]
    assert all(variant["median"] > 0 and len(variant["rates"]) == 1 for variant in variants)
    written = page.read_text()
    assert "kept" in written
    assert all(f"| {name} |" in written for name in names)


@pytest.mark.parametrize(
    ("stages", "streams"), slice_of_several([FEW_COUNTS, ALL_COUNTS], FEW_COUNTS), ids=str
)
def test_bench_decode_measures_stages_streams_and_memory(
    monkeypatch: pytest.MonkeyPatch, stages: tuple[int, ...], streams: tuple[int, ...]
) -> None:
    monkeypatch.setattr(decode, "TOKENS", 6)
    monkeypatch.setattr(decode, "STAGE_COUNTS", stages)
    monkeypatch.setattr(decode, "STREAM_COUNTS", streams)
    size = LlamaSize(
        layers=4, hidden_size=64, inner_size=96, heads=4, kv_heads=2, vocabulary_size=128
    )
    report = decode.measure(1, size)
    found = report.figures["models"]
    assert isinstance(found, list)
    assert [each["model"] for each in found] == ["f32", "q8", "q4", "small"]
    for each in found:
        assert sorted(each["stage_rates"]) == list(stages)
        assert sorted(each["stream_rates"]) == list(streams)
        assert each["hop_bytes"] > 64 * 4
        assert all(stage["resident_bytes"] > stage["weight_bytes"] for stage in each["memory"])
    assert [len(table.rows) for table in report.tables] == [4, 4, 8]


def test_bench_ledger_commits_in_groups_beside_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RECEIPTS", 128)
    monkeypatch.setattr(ledger, "PACED_RECEIPTS", 40)
    report = ledger.measure(2)
    found = report.figures["variants"]
    assert isinstance(found, list)
    single, grouped = found
    assert single["receipts_a_commit"] == [1.0, 1.0]
    assert all(count > 8 for count in grouped["receipts_a_commit"])
    assert all(len(each["rates"]) == 2 and min(each["rates"]) > 0 for each in found)
    assert [row[0] for row in report.tables[0].rows] == ["one commit an entry", "in groups"]
    paced_s = report.figures["paced_s"]
    assert isinstance(paced_s, list)
    assert len(paced_s) == 80
    assert min(paced_s) > 0


def in_this_process(measure: Callable[..., object], *given: object) -> object:
    return measure(*given)


@pytest.mark.parametrize(
    "apart",
    slice_of([in_this_process, long_reading._apart], in_this_process),
    ids=["here", "apart"],
)
def test_bench_of_a_long_ledger_reads_what_it_wrote_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    apart: Callable[..., object],
) -> None:
    monkeypatch.setattr(long_reading, "_apart", apart)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    page = tmp_path / "benchmarks.md"
    command = ["bench", "ledger", "--entries", "300", "--json", "--markdown", str(page)]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["entries"] >= 300
    assert min(found["verified_s"], found["opened_s"], found["median_page_s"]) > 0
    assert "shardloom bench ledger --entries 300" in page.read_text()
    assert list(tmp_path.iterdir()) == [page]


def test_bench_of_a_long_ledger_asks_for_room_first_and_for_the_ledger(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "ledger", "--entries", str(10**15)]) != 0
    assert "a ledger of so many entries takes" in capsys.readouterr().err
    assert main(["bench", "plan", "--entries", "5"]) != 0
    assert "--entries belongs to bench ledger" in capsys.readouterr().err
