"""How a rack that is served stands: its keys, what is under way, what was refused and why."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.facts import Fact


@dataclass(frozen=True)
class KeyLimits:
    """What a key may ask for; None where it may ask for any amount."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    """Written and read together."""


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key: not the key itself."""

    name: str
    limits: KeyLimits
    created_ms: int
    revoked_ms: int | None
    used_ms: int | None = None
    """When it opened the address last, to a minute; None where it never did."""

    @property
    def valid(self) -> bool:
        """Whether it still opens the address."""
        return self.revoked_ms is None


@dataclass(frozen=True)
class Refusal:
    """A request that got no answer: when, at which path, by whose key, and why."""

    at_ms: int
    route: str
    status: int
    reason: Fact
    key: str = ""
    """Empty where no key was needed, or none of ours was given."""


@dataclass(frozen=True)
class ServeActivity:
    """What an address does now, and has done since it was opened."""

    running: int = 0
    """Requests the rack computes for clients."""
    waiting: int = 0
    """Requests that wait for their turn."""
    answered: int = 0
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    """The newest ones, oldest first."""
