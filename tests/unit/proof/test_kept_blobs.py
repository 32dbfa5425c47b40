"""Files that a Dask worker keeps for audits: whole ones for good, pieces for a day."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from app.core.errors import HashMismatchError
from app.proof.auditors.remote import ABANDONED_S, FOLDER_VARIABLE, keep, missing

CONTENT = b"weights" * 100
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_pieces_that_nobody_ends_are_let_go_once_a_file_begins(folder: Path) -> None:
    keep("e" * 64, "a", 0, b"left behind", last=False)
    keep("f" * 64, "b", 0, b"on its way", last=False)
    old, young = folder / f"{'e' * 64}.a.partial", folder / f"{'f' * 64}.b.partial"
    long_ago_s = time.time() - ABANDONED_S - 60
    os.utime(old, (long_ago_s, long_ago_s))
    keep(NAME, "c", 0, CONTENT[:50], last=False)
    assert not old.exists()
    assert young.exists()
    keep(NAME, "c", 50, CONTENT[50:], last=True)
    assert missing([NAME, "f" * 64]) == ["f" * 64]


def test_nothing_stays_of_a_file_that_is_not_what_its_name_says(folder: Path) -> None:
    with pytest.raises(HashMismatchError):
        keep(NAME, "c", 0, CONTENT[1:], last=True)
    assert list(folder.iterdir()) == []
