"""What all commands of a rack have: the type of their result, and what may be kept of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Command(Generic[Result]):
    """What has a `Result`, or ends with the `ShardloomError` that says why it has none."""

    while_opening: ClassVar[bool] = False
    """Whether it can be done before the rack is open."""

    def as_record(self) -> Command[Result]:
        """Return what may be kept of it: no secret, and nobody to tell."""
        return self
