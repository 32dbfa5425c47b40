"""Who asks: the key behind a request, and how much it may still ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from app.core.clock import Clock
from app.gateway.access.keys import KeyStore
from app.gateway.errors import ApiError
from app.rack.door.serving import KeyLimits

_MINUTE_S: Final = 60.0
_NOBODY: Final = ""
"""The name of whoever asks where no key is needed."""


@dataclass
class Bucket:
    """An allowance that fills up again within a minute; what was spent too much is owed."""

    per_minute: int
    at_s: float
    level: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin full."""
        self.level = float(self.per_minute)

    def wait_s(self, amount: float, now_s: float) -> float:
        """Return after how long that much is there; 0 where it is now."""
        rate = self.per_minute / _MINUTE_S
        self.level = min(self.level + (now_s - self.at_s) * rate, float(self.per_minute))
        self.at_s = now_s
        return max((amount - self.level) / rate, 0.0)


class Callers:
    """Tells callers by their keys. Lives on the gateway's loop."""

    def __init__(self, keys: KeyStore, clock: Clock, *, keys_needed: bool) -> None:
        """Without `keys_needed` a home that never had a key takes everybody."""
        self.clock = clock
        self._keys = keys
        self._keys_needed = keys_needed
        self._buckets: dict[tuple[str, str, int], Bucket] = {}

    def admit(self, request: Request) -> Caller:
        """Return who asks. Raises `ApiError` 401 without a valid key.

        Where no key is needed any is taken: clients insist on sending one.
        """
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        given = key.strip() if kind.lower() == "bearer" else ""
        if given and (found := self._keys.find(given)) is not None:
            self._keys.note_use(found)
            return Caller(found.name, found.limits, self)
        if self._keys_needed or self._keys.all():
            code = "gateway.invalid_api_key" if given else "gateway.missing_api_key"
            raise ApiError(HTTPStatus.UNAUTHORIZED, code)
        return Caller(_NOBODY, KeyLimits(), self)

    def is_valid(self, name: str) -> bool:
        """Tell whether a caller is still one."""
        return name == _NOBODY or self._keys.is_valid(name)

    def bucket(self, name: str, what: str, per_minute: int) -> Bucket:
        """Return a caller's allowance."""
        key = (name, what, per_minute)
        if key not in self._buckets:
            self._buckets[key] = Bucket(per_minute, self.clock.monotonic_s())
        return self._buckets[key]


@dataclass(frozen=True)
class Caller:
    """Who asks for answers, by the name of its key, with its limits."""

    name: str
    limits: KeyLimits
    _callers: Callers

    def begin(self) -> None:
        """Count one request. Raises `ApiError` 429 where the key has used up its minute.

        Tokens are counted once they are written: whoever has some left may begin.
        """
        requests = self._bucket("requests", self.limits.requests_per_minute)
        buckets = (requests, self._bucket("tokens", self.limits.tokens_per_minute))
        now_s = self._callers.clock.monotonic_s()
        wait_s = max((each.wait_s(1, now_s) for each in buckets if each), default=0.0)
        if wait_s > 0:
            raise ApiError(
                HTTPStatus.TOO_MANY_REQUESTS, "gateway.rate_limit_exceeded", retry_after_s=wait_s
            )
        if requests:
            requests.level -= 1

    def check(self) -> None:
        """Raise `ApiError` where the key was revoked."""
        if not self._callers.is_valid(self.name):
            raise ApiError(HTTPStatus.UNAUTHORIZED, "gateway.key_revoked")

    def spend(self, tokens: int) -> None:
        """Count what was read and written for it."""
        bucket = self._bucket("tokens", self.limits.tokens_per_minute)
        if bucket:
            bucket.level -= tokens

    def _bucket(self, what: str, per_minute: int | None) -> Bucket | None:
        return None if per_minute is None else self._callers.bucket(self.name, what, per_minute)
