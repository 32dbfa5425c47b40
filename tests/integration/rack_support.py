"""An open virtual rack for tests, and waiting on its snapshots."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.identifiers import RequestId
from app.rack.control import Sampling
from app.rack.options import RackOptions
from app.rack.service import RackService, open_rack
from app.rack.snapshot import Phase, RackSnapshot, RequestSnapshot

READY = {Phase.READY, Phase.RUNNING, Phase.DEGRADED}
TIMEOUT_S = 90.0


def wait_until(
    rack: RackService, fits: Callable[[RackSnapshot], bool], timeout_s: float = TIMEOUT_S
) -> RackSnapshot:
    """Return the first snapshot seen that fits."""
    deadline_s = time.monotonic() + timeout_s
    while not fits(newest := rack.snapshot()):
        assert time.monotonic() < deadline_s, f"{newest.phase}: {newest.timeline[-5:]}"
        time.sleep(0.02)
    return newest


def wait_for(rack: RackService, fits: Callable[[RackSnapshot], bool]) -> RackSnapshot:
    """Like `wait_until`, for a rack that must not fail meanwhile."""
    snapshot = wait_until(rack, lambda newest: newest.phase is Phase.FAILED or fits(newest))
    assert fits(snapshot), snapshot.notice
    return snapshot


@contextmanager
def open_virtual_rack(home: Path, phones: int) -> Iterator[RackService]:
    with open_named_rack(home, f"virtual:{phones}") as rack:
        yield rack


@contextmanager
def open_named_rack(home: Path, name: str) -> Iterator[RackService]:
    rack = open_rack(RackOptions(home=home, rack=name))
    try:
        wait_for(rack, lambda snapshot: snapshot.phase in READY)
        yield rack
    finally:
        rack.close().result(60)


def start(rack: RackService, tokens: int, prompt: str = "In the beginning") -> RequestId:
    return rack.generate(prompt, tokens, Sampling()).result(30)


def request_in(snapshot: RackSnapshot, identifier: RequestId) -> RequestSnapshot | None:
    return next((each for each in snapshot.requests if each.identifier == identifier), None)


def tokens_so_far(snapshot: RackSnapshot, identifier: RequestId) -> int:
    request = request_in(snapshot, identifier)
    return len(request.token_ids) if request else 0


def finish(rack: RackService, identifier: RequestId) -> RequestSnapshot:
    def ended(snapshot: RackSnapshot) -> bool:
        request = request_in(snapshot, identifier)
        return request is not None and request.state.ended

    request = request_in(wait_for(rack, ended), identifier)
    assert request is not None
    return request


def generate(rack: RackService, tokens: int) -> RequestSnapshot:
    return finish(rack, start(rack, tokens))
