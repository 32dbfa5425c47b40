"""Expect an error by the line that people read of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from app.core.errors import ShardloomError, reason_of
from app.words.sentences import error_text, fact_text
from workers.errors import ReportedError

Raised = TypeVar("Raised", bound=ShardloomError)


@contextmanager
def raises_saying(expected: type[Raised], match: str) -> Iterator[pytest.ExceptionInfo[Raised]]:
    """Like `pytest.raises`, with a pattern that is searched in the error's sentence and advice."""
    with pytest.raises(expected) as caught:
        yield caught
    line = error_text(caught.value)
    assert re.search(match, line), f"{match!r} is not in {line!r}"


Reported = TypeVar("Reported", bound=ReportedError)


@contextmanager
def raises_telling(
    expected: type[Reported], match: str
) -> Iterator[pytest.ExceptionInfo[Reported]]:
    """Like `raises_saying`, of what a worker reports."""
    with pytest.raises(expected) as caught:
        yield caught
    told = reason_of(caught.value)
    line = told if isinstance(told, str) else fact_text(told)
    assert re.search(match, line), f"{match!r} is not in {line!r}"
