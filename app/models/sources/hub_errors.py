"""What the hub's refusals mean for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx2
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from app.core.errors import BadInputError, ShardloomError, reason_of

RETRIED_STATUS = frozenset({408, 429, 500, 502, 503, 504})
CUTS = (httpx2.NetworkError, httpx2.TimeoutException, httpx2.ProtocolError)
"""What a connection that was cut or fell silent raises."""
_UNAUTHORISED, _FORBIDDEN, _TOO_MANY = 401, 403, 429


class HubUnreachableError(ShardloomError):
    """The hub does not answer, or is not to be asked; what is in the cache may still help."""


class HubUnknownError(BadInputError):
    """The hub has no such repository, or does not show it to this person."""


def is_passing(error: Exception, *, cuts: bool) -> bool:
    """Return whether asking again may help: a busy hub, with `cuts` a cut connection too."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in RETRIED_STATUS
    return cuts and isinstance(error, CUTS)


def retry_after_s(error: Exception) -> float | None:
    """Return how long the hub asks to wait; None where it does not say."""
    if not isinstance(error, HfHubHTTPError):
        return None
    try:
        seconds = float(error.response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if seconds >= 0 else None


@contextmanager
def explained(what: str, endpoint: str) -> Iterator[None]:
    """Turn what the libraries raise in the block into one line of what helps."""
    try:
        yield
    except OfflineModeIsEnabled:
        raise HubUnreachableError("hub.offline") from None
    except GatedRepoError:
        raise BadInputError("hub.gated", model=what, address=f"{endpoint}/{what}") from None
    except RepositoryNotFoundError:
        raise HubUnknownError("hub.unknown", model=what) from None
    except RevisionNotFoundError:
        raise BadInputError("hub.unknown_revision", model=what) from None
    except LocalEntryNotFoundError:
        raise HubUnreachableError("hub.silent", address=endpoint) from None
    except EntryNotFoundError:
        raise BadInputError("hub.file_gone", file=what) from None
    except HFValidationError:
        raise BadInputError("hub.no_name", text=what) from None
    except HfHubHTTPError as error:
        raise _refused(error, what) from error
    except httpx2.HTTPError as error:
        reason = _first_line(error) or type(error).__name__
        raise HubUnreachableError("hub.unreachable", address=endpoint, reason=reason) from error
    except (ValueError, TypeError, KeyError) as error:
        raise HubUnreachableError("hub.no_hub", address=endpoint) from error


def with_offers(error: ShardloomError, code: str, offers: Sequence[str]) -> ShardloomError:
    """Return the error with names behind it, under a code of their own, where there are any."""
    if not offers:
        return error
    return type(error)(code, problem=error.fact, models=tuple(offers))


def _refused(error: HfHubHTTPError, what: str) -> ShardloomError:
    status = error.response.status_code
    if status == _UNAUTHORISED:
        return BadInputError("hub.token_refused", model=what)
    if status == _FORBIDDEN:
        return BadInputError("hub.forbidden", model=what)
    if status == _TOO_MANY:
        wait_s = retry_after_s(error)
        return (
            ShardloomError("hub.too_many_wait", time=wait_s)
            if wait_s
            else ShardloomError("hub.too_many")
        )
    return HubUnreachableError("hub.failed", model=what, status=status)


def _first_line(error: Exception) -> str:
    return (f"{reason_of(error)}".strip().splitlines() or [""])[0].rstrip(".")[:200]
