"""A file that is replaced is the old one or the new one, and its owner's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from workers.whole_file import replace_file


def test_the_new_content_is_the_owners_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old")
    path.chmod(0o644)
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    replace_file(path, b"old")

    def fail(_descriptor: int) -> None:
        raise OSError

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError):  # noqa: PT011 - whatever the disk says
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    monkeypatch.undo()
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_what_lies_under_the_passing_name_is_not_written_through(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "key", tmp_path / "elsewhere"
    elsewhere.write_bytes(b"others'")
    (tmp_path / "key.new").symlink_to(elsewhere)
    replace_file(path, b"new")
    assert (path.read_bytes(), elsewhere.read_bytes()) == (b"new", b"others'")
