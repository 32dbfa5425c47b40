"""Expect an error by the line that people read of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from app.core.errors import ShardloomError
from app.words.sentences import error_text

Raised = TypeVar("Raised", bound=ShardloomError)


@contextmanager
def raises_saying(expected: type[Raised], match: str) -> Iterator[pytest.ExceptionInfo[Raised]]:
    """Like `pytest.raises`, with a pattern that is searched in the error's sentence and advice."""
    with pytest.raises(expected) as caught:
        yield caught
    line = error_text(caught.value)
    assert re.search(match, line), f"{match!r} is not in {line!r}"
