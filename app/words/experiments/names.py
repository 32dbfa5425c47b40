"""Names of the experiments that come with the program; one of somebody's own stays as written."""

from __future__ import annotations

from typing import Final

from app.words.catalogue import message, tr

OWN_NAMES: Final = frozenset(
    {
        message("Clock, memory, host"),
        message("Liar in the middle"),
        message("Lost phone"),
        message("Rare liar"),
    }
)


def experiment_name(name: str) -> str:
    """Return how an experiment is called in the language in force."""
    return tr(name) if name in OWN_NAMES else name
