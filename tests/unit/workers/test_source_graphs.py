"""Graphs that a span's own names: beside it, by their hash, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.saying import raises_telling
from workers.engine import kv_cache
from workers.engine.kv_cache import SourceRows
from workers.errors import EngineError


@pytest.mark.parametrize("named", ["../graph", "/etc/hostname", "a" * 63, ""])
def test_a_graph_is_opened_by_a_hash_beside_the_span_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(kv_cache, "open_session", lambda path, _threads: opened.append(path))
    meta = SimpleNamespace(custom_metadata_map={"source.0": named})
    session: Any = SimpleNamespace(get_modelmeta=lambda: meta)
    shape: Any = SimpleNamespace(layer_count=1, reads_source=True)
    with raises_telling(EngineError, ""):
        SourceRows(session, tmp_path, shape, 1)
    assert not opened
    meta.custom_metadata_map["source.0"] = "a" * 64
    SourceRows(session, tmp_path, shape, 1)
    assert opened == [tmp_path / ("a" * 64)]
