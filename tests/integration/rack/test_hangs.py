"""A phone that hangs costs seconds, also before the first token, and its text is right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.faults.catalogue import Fault, FaultKind
from app.rack.commands import Inject
from app.rack.service import RackService
from app.rack.snapshot import RequestSnapshot, RequestState
from tests.integration.rack.support import (
    finish,
    generate,
    open_virtual_rack,
    start,
    tokens_so_far,
    wait_until,
)
from tests.soak import slice_of

TOKENS = 12
BOUND_S = 15.0
"""Half of what a hang in the prompt cost when all phones were given the same 30 seconds."""
SHORT_PROMPT = "In the beginning"
LONG_PROMPT = "In the beginning God created the heaven and the earth. " * 12


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RackService]:
    """Yield a rack whose phones get their usual time and no more; each test has one hang."""
    with open_virtual_rack(tmp_path_factory.mktemp("home"), 3, patience=1.0) as opened:
        yield opened


def _hang(rack: RackService, token: int) -> None:
    assignment = generate(rack, 1).assignment
    assert assignment is not None
    serial = assignment.serials[len(assignment.serials) // 2]
    rack.do(Inject(Fault(FaultKind.HANG, serial, token))).result(60)


def _check(request: RequestSnapshot) -> None:
    assert request.state is RequestState.SETTLED, request.state_reason
    assert request.failovers > 0
    assert request.slashes == 0


@pytest.mark.parametrize("prompt", slice_of([SHORT_PROMPT, LONG_PROMPT], LONG_PROMPT), ids=len)
def test_a_hang_before_the_first_token_costs_seconds(rack: RackService, prompt: str) -> None:
    _hang(rack, 1)
    request = finish(rack, start(rack, TOKENS, prompt))
    _check(request)
    assert request.time_to_first_token_ms is not None
    assert request.time_to_first_token_ms < BOUND_S * 1000


def test_a_hang_between_tokens_costs_seconds(rack: RackService) -> None:
    _hang(rack, TOKENS // 2)
    identifier = start(rack, TOKENS)
    wait_until(rack, lambda newest: tokens_so_far(newest, identifier) == TOKENS, BOUND_S)
    _check(finish(rack, identifier))
