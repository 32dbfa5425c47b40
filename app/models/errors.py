"""Why a checkpoint is not built, where another way to import it may be open."""

from __future__ import annotations

from app.core.errors import BadInputError


class UnusualModelError(BadInputError):
    """A family does not compute what a checkpoint of it asks for; its exported graph may."""
