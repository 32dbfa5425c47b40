"""Waiting for requests to end."""

from __future__ import annotations

from collections.abc import Sequence

from app.command_line.rack_session import RackSession
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState


def wait_until_ended(
    session: RackSession, identifiers: Sequence[RequestId], timeout_s: float | None = None
) -> tuple[RackSnapshot, tuple[RequestSnapshot, ...]]:
    """Return the snapshot in which all requests have ended, and those requests in order."""
    snapshot = session.wait_until(lambda rack: _all_ended(rack, identifiers), timeout_s)
    return snapshot, _chosen(snapshot, identifiers)


def wait_until_settled(
    session: RackSession, identifiers: Sequence[RequestId], timeout_s: float | None = None
) -> tuple[RackSnapshot, tuple[RequestSnapshot, ...]]:
    """Like `wait_until_ended`, but every request has to have settled.

    Raises `ShardloomError` with the reason where one of them failed or was cancelled.
    """
    snapshot, requests = wait_until_ended(session, identifiers, timeout_s)
    for request in requests:
        if request.state is not RequestState.SETTLED:
            raise ShardloomError(
                request.state_reason or Fact("request.ended_as", state=request.state)
            )
    return snapshot, requests


def _all_ended(snapshot: RackSnapshot, identifiers: Sequence[RequestId]) -> bool:
    requests = _chosen(snapshot, identifiers)
    return len(requests) == len(identifiers) and all(each.state.ended for each in requests)


def _chosen(
    snapshot: RackSnapshot, identifiers: Sequence[RequestId]
) -> tuple[RequestSnapshot, ...]:
    known = {request.identifier: request for request in snapshot.requests}
    return tuple(known[identifier] for identifier in identifiers if identifier in known)
