"""Which core this process runs on while something is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil


@contextmanager
def beside(core: int) -> Iterator[None]:
    """Keep all threads of this process to the core of a stage that waits while the host works."""
    allowed = os.sched_getaffinity(0)
    _move({core})
    try:
        yield
    finally:
        _move(allowed)


def _move(cores: set[int]) -> None:
    for thread in psutil.Process().threads():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(thread.id, cores)
