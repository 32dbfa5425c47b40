from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import reason_of


def test_a_reason_carries_no_number_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "none").read_bytes()
    assert reason_of(caught.value) == "No such file or directory"


def test_a_reason_without_a_number_of_the_system_is_the_error_itself() -> None:
    assert reason_of(OSError("it is locked")) == "it is locked"
    assert reason_of(ValueError("it is odd")) == "it is odd"


def test_a_number_that_a_library_left_in_front_is_taken_away_too() -> None:
    assert reason_of(RuntimeError("[Errno -2] Name or service not known")) == (
        "Name or service not known"
    )
    assert reason_of(RuntimeError("it said [Errno 5] twice")) == "it said [Errno 5] twice"
