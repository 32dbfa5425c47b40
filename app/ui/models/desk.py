"""What the models page needs of the rooms behind the rack, which the window does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.core.model import ModelManifest
from workers.protocol.span_shape import RowForm

FORMS = ("q8", "q4", "q4-plain", "f32")
"""How weights may be kept; the first is what most want."""
CACHES = tuple(form.word for form in RowForm)
"""How phones may keep what attention needs of a text."""


@dataclass(frozen=True)
class OfferedModel:
    """A model as the hub lists it."""

    name: str
    task: str
    """The hub's own word."""
    downloads: int
    likes: int
    gated: bool
    """Whether its owner's terms are to be accepted first."""


@dataclass(frozen=True)
class ForeseenModel:
    """What importing a model would bring, known without its weights."""

    forms: tuple[ModelManifest, ...]
    """The wanted form first; empty where that is known only after an export."""
    missing_bytes: int
    """How much is to be downloaded."""


class ModelDesk(Protocol):
    """All of it may wait for a network or a disk, and is called on threads of its own."""

    def search(self, words: str) -> Sequence[OfferedModel]:
        """Return models at the hub. Raises `ShardloomError`."""
        ...

    def foresee(self, name: str, form: str, cache: str) -> ForeseenModel:
        """Look at a model at the hub, or here by its path. Raises `ShardloomError`."""
        ...

    def import_command(self, name: str, form: str, cache: str) -> Sequence[str]:
        """Return the program and arguments that import it and tell JSON, an object a line."""
        ...

    def delete(self, name: str) -> int:
        """Remove a model that is here; return how many bytes that freed. Raises `BadInputError`."""
        ...
