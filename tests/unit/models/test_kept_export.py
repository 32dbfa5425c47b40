"""Exported graphs that stay where an import is interrupted; the exporter is stood in for."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest

from app.core.errors import BadInputError
from app.models.exporting.kept import FOLDER_PREFIX, KeptExport, kept_export
from app.models.files import FORGOTTEN_AFTER_S

GRAPH = b"a graph"


@pytest.fixture(autouse=True)
def _versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be versions of packages that need not be installed for these tests."""
    monkeypatch.setattr(metadata, "version", lambda name: f"{name} 1")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "unfinished"


def export(export: KeptExport) -> None:
    with export.attempt() as graph:
        graph.write_bytes(GRAPH)
        graph.with_name("model.onnx.data").write_bytes(b"its weights")


def interrupt(checkpoint: Path, workspace: Path, error: BaseException) -> None:
    """Export, and end the import behind that."""

    def fail() -> None:
        with kept_export(checkpoint, workspace) as kept:
            export(kept)
            raise error

    with pytest.raises(type(error)):
        fail()


def is_kept(checkpoint: Path, workspace: Path) -> bool:
    """Look, and leave things as they are."""
    found: list[bytes] = []

    def look() -> None:
        with kept_export(checkpoint, workspace) as kept:
            if kept.is_whole():
                found.append(kept.graph.read_bytes())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look()
    return found == [GRAPH]


def left(workspace: Path) -> list[str]:
    return [path.name for path in workspace.glob(FOLDER_PREFIX + "*")]


def test_an_interrupted_import_leaves_its_graph_and_a_finished_one_nothing(
    checkpoint: Path, workspace: Path
) -> None:
    assert not is_kept(checkpoint, workspace)
    interrupt(checkpoint, workspace, KeyboardInterrupt())
    assert is_kept(checkpoint, workspace)
    assert is_kept(checkpoint, workspace)
    with kept_export(checkpoint, workspace) as found:
        assert found.is_whole()
    assert not left(workspace)


def test_a_graph_that_cannot_be_used_is_not_kept(checkpoint: Path, workspace: Path) -> None:
    interrupt(checkpoint, workspace, BadInputError("graph.no_cache"))
    assert not left(workspace)


def test_an_export_cut_short_leaves_nothing(checkpoint: Path, workspace: Path) -> None:
    def fail() -> None:
        with kept_export(checkpoint, workspace) as kept, kept.attempt() as graph:
            graph.write_bytes(GRAPH[:3])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not left(workspace)


@pytest.mark.parametrize("changed", ["config.json", "model.safetensors"])
def test_a_changed_checkpoint_is_exported_anew_and_the_old_graph_removed(
    checkpoint: Path, workspace: Path, changed: str
) -> None:
    interrupt(checkpoint, workspace, KeyboardInterrupt())
    (before,) = left(workspace)
    (checkpoint / changed).write_bytes(b"[]")
    assert not is_kept(checkpoint, workspace)
    assert before not in left(workspace)


def test_other_versions_of_the_exporter_export_anew(
    checkpoint: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(checkpoint, workspace, KeyboardInterrupt())
    monkeypatch.setattr(metadata, "version", lambda name: f"{name} 2")
    assert not is_kept(checkpoint, workspace)
    assert not left(workspace)


def test_a_damaged_graph_is_exported_anew(checkpoint: Path, workspace: Path) -> None:
    interrupt(checkpoint, workspace, KeyboardInterrupt())
    (data,) = workspace.rglob("model.onnx.data")
    data.write_bytes(b"its weightz")
    assert not is_kept(checkpoint, workspace)


def test_a_graph_in_use_is_left_to_the_import_that_uses_it(
    checkpoint: Path, workspace: Path
) -> None:
    with kept_export(checkpoint, workspace) as first:
        export(first)
        with kept_export(checkpoint, workspace) as second:
            assert second.place != first.place
            assert not second.is_whole()
        assert first.is_whole()


def test_graphs_nobody_came_back_for_are_removed(
    checkpoint: Path, workspace: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"other": 1}')
    interrupt(other, workspace, KeyboardInterrupt())
    (workspace / (FOLDER_PREFIX + "killed")).mkdir()
    is_kept(checkpoint, workspace)
    assert is_kept(other, workspace)
    (note,) = workspace.rglob("export.json")
    written_s = note.stat().st_mtime - FORGOTTEN_AFTER_S - 1
    os.utime(note, (written_s, written_s))
    is_kept(checkpoint, workspace)
    assert not left(workspace)
