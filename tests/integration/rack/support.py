"""An open virtual rack for tests, waiting on its snapshots, and requests held in the middle."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.assignment import RUN_TOKENS, Assignment
from app.core.identifiers import RequestId
from app.core.tasks import Complete
from app.models.library import Library
from app.models.whole import run_whole
from app.pipeline.attempt import Attempt
from app.pipeline.results import TokenResult
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Ask
from app.rack.options import RackOptions
from app.rack.service import RackService, open_rack
from app.rack.snapshot import Phase, RackSnapshot, RequestSnapshot
from app.virtual.rack import VirtualRack
from workers.protocol.sampling_rule import UNSTEERED, Steering

READY = {Phase.READY, Phase.RUNNING, Phase.DEGRADED}
TIMEOUT_S = 90.0
ASSETS = Path(__file__).resolve().parents[3] / "assets"
PROMPT = "In the beginning"
HELD = RUN_TOKENS + 2
"""A token before which to hold requests: there a ring that goes on by itself waits for the host."""
PATIENCE = 3.0
"""For machines that stand still for seconds; tests that wait for a limit to pass take less."""


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
    assert fits(snapshot), snapshot.notices
    return snapshot


def virtual_phones(rack: RackService) -> VirtualRack:
    """Return the processes behind a rack's phones, which nothing but a test may reach for."""
    assert rack._rack is not None
    return rack._rack._opened.started._rack


@contextmanager
def open_virtual_rack(
    home: Path,
    phones: int,
    patience: float = PATIENCE,
    balancing: Balancing = Balancing.OFF,
    sharp_rate: float = 0.0,
) -> Iterator[RackService]:
    """Open a rack whose layers stay: phones that share cores are quick and slow by turns."""
    options = RackOptions(
        home=home,
        rack=f"virtual:{phones}",
        patience=patience,
        balancing=balancing,
        sharp_rate=sharp_rate,
    )
    with open_rack_of(options) as rack:
        yield rack


@contextmanager
def open_named_rack(home: Path, name: str) -> Iterator[RackService]:
    with open_rack_of(RackOptions(home=home, rack=name, patience=PATIENCE)) as rack:
        yield rack


@contextmanager
def open_rack_of(options: RackOptions) -> Iterator[RackService]:
    rack = open_rack(options)
    try:
        wait_for(rack, lambda snapshot: snapshot.phase in READY)
        yield rack
    finally:
        rack.close().result(90)


def shifted(assignment: Assignment) -> Assignment:
    """Return another assignment of the same phones: one seam moved by a layer."""
    moves = (
        assignment.with_seam(seam, after.first_layer + step)
        for seam, after in enumerate(assignment.stages[1:])
        for step in (1, -1)
    )
    return next(moved for moved in moves if moved != assignment)


def start(rack: RackService, tokens: int, prompt: str = PROMPT) -> RequestId:
    return rack.do(Ask(Complete(prompt), tokens)).result(60)


def whole_demo_tokens(folder: Path, tokens: int) -> tuple[int, ...]:
    """Return what the whole demo model goes on with after the prompt, in one plain session."""
    library = Library(folder)
    model = library.ensure_demo(ASSETS / "demo_model")
    tokenizer = library.tokenizer(model)
    assert tokenizer is not None
    return tuple(run_whole(model, library, tokenizer.encode(PROMPT), tokens))


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


class Pause:
    """Holds every request before a token, so that what happens meanwhile happens in the middle."""

    def __init__(self, token: int) -> None:
        self._token = token
        self._reached = threading.Event()
        self._over = threading.Event()

    def wait(self) -> None:
        """Return once a request is held."""
        assert self._reached.wait(TIMEOUT_S), "no request came that far"

    def end(self) -> None:
        """Let requests go on, those held and those to come."""
        self._over.set()

    async def hold(self, generated: int) -> None:
        if generated < self._token:
            return
        self._reached.set()
        while not self._over.is_set():  # noqa: ASYNC110 - it is ended on another thread
            await asyncio.sleep(0.01)


@contextmanager
def paused_before(token: int) -> Iterator[Pause]:
    """Hold requests of every rack before they decode that token (1 is the prompt's own)."""
    pause, decode = Pause(token), Attempt.decode

    async def decode_later(
        attempt: Attempt,
        token: int,
        generated: int,
        more: int = 0,
        steering: Steering = UNSTEERED,
    ) -> TokenResult:
        await pause.hold(generated)
        return await decode(attempt, token, generated, more, steering)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Attempt, "decode", decode_later)
        try:
            yield pause
        finally:
            pause.end()
