"""How a command tells that it failed."""

from __future__ import annotations

import sys
from contextlib import suppress

from app.core.errors import BadInputError

NOT_POSSIBLE = 1
WRONG_USAGE = 2


class WrongUsageError(BadInputError):
    """Options or arguments that are missing or do not go together."""


def complain(line: str) -> None:
    """Write one line on standard error, where that takes any."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"shardloom: {line}\n")
