"""How many large bodies there may be at a time: each lies in memory until the rack has taken it."""

from __future__ import annotations

from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from app.gateway.errors import ApiError

MOST_LARGE: Final = 8
_RETRY_S: Final = 5.0


class LargeBodies:
    """Lives on the gateway's loop."""

    def __init__(self) -> None:
        self.held = 0
        """How many there are."""


class LargeBody:
    """One request's right to a large body: taken once it turns out to be one, given back after."""

    def __init__(self, bodies: LargeBodies) -> None:
        self._bodies = bodies
        self._taken = False

    def take(self) -> None:
        """Count it, once. Raises `ApiError` 429 where there are as many as there may be."""
        if self._taken:
            return
        if self._bodies.held >= MOST_LARGE:
            status = HTTPStatus.TOO_MANY_REQUESTS
            raise ApiError(status, "gateway.large_bodies_full", retry_after_s=_RETRY_S)
        self._taken = True
        self._bodies.held += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back."""
        if self._taken:
            self._taken = False
            self._bodies.held -= 1
