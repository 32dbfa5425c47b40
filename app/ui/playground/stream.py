"""What changed in a streamed text. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rollback:
    """Text that was taken back: where it began and what it said."""

    position: int
    text: str


def rolled_back(before: str, after: str) -> Rollback | None:
    """Return what of `before` is no longer in `after`; None where the text only grew."""
    if after.startswith(before):
        return None
    shared = next(
        (index for index, (old, new) in enumerate(zip(before, after, strict=False)) if old != new),
        min(len(before), len(after)),
    )
    return Rollback(shared, before[shared:])
