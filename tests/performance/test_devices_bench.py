"""The benchmark of the ways to phones, small: every figure is measured and written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.benchmarks import devices, window
from app.benchmarks.connecting import links


@pytest.mark.timeout(600)
def test_bench_devices_measures_links_plugging_and_the_window(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "FAST_FILE_BYTES", 2_000_000)
    monkeypatch.setattr(links, "SLOW_FILE_BYTES", 900_000)
    monkeypatch.setattr(links, "STOCK_TIMEOUT_S", 3.0)
    monkeypatch.setattr(links, "CALLS_A_ROUND", 5)
    monkeypatch.setattr(
        devices, "measure_window", lambda home: window.measure_window(home, "virtual:1")
    )
    page = tmp_path / "benchmarks.md"
    assert main(["bench", "devices", "--rounds", "1", "--json", "--markdown", str(page)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["links"]["ratio"] > 0
    assert found["links"]["slow_ours"].startswith("whole")
    assert found["links"]["slow_stock"].startswith("failed")
    assert [len(found[way]["lost_s"]) for way in ("adb_server", "addresses")] == [1, 1]
    assert len(found["adb_server"]["appeared_s"]) == 1
    assert (found["window"]["phones"], found["window"]["prepared"]) == (1, 1)
    assert found["window"]["beats"] > 0
    assert "| `shell true` |" in page.read_text()
