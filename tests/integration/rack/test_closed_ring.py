"""Requests on a ring whose last phone feeds the first: they end, fail and settle as any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.pipeline.worker_client import WorkerClient
from app.rack.commands import Ask, Cancel, Inject, Sampling
from app.rack.paths.link_table import LinkTable
from app.rack.service import RackService
from app.rack.snapshot import RequestState, TimelineKind
from tests.integration.rack.support import (
    HELD,
    READY,
    finish,
    open_virtual_rack,
    paused_before,
    start,
    wait_for,
)
from workers.protocol.step_message import StepRow
from workers.protocol.wire import Tensor

TOKENS = 40
FEW_STEPS = 20
"""More than the prompt and every eighth of so many tokens take, fewer than each token would."""


IN_A_RUN = HELD + 3
"""A token that the ring decodes without being asked for it."""


@dataclass
class Sent:
    """Steps that came from the host."""

    steps: list[Sequence[StepRow]] = field(default_factory=list)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Close every ring, however long its last way is, and count what the host sends."""
    counted = Sent()
    send_step = WorkerClient.send_step

    async def counting(client: WorkerClient, rows: Sequence[StepRow], tokens: Tensor) -> None:
        counted.steps.append(rows)
        await send_step(client, rows, tokens)

    monkeypatch.setattr(WorkerClient, "send_step", counting)
    monkeypatch.setattr(LinkTable, "is_shorter_than_by_host", lambda *_: True)
    return counted


@pytest.fixture
def rack(sent: Sent, tmp_path: Path) -> Iterator[RackService]:
    assert sent.steps == []
    with open_virtual_rack(tmp_path, 2) as opened:
        yield opened


def test_texts_take_few_steps_of_the_host_and_end_when_they_should(
    rack: RackService, sent: Sent
) -> None:
    whole = finish(rack, start(rack, TOKENS))
    assert (len(whole.token_ids), whole.state) == (TOKENS, RequestState.SETTLED)
    assert len(sent.steps) < FEW_STEPS
    stop = whole.settled_text[10:16]
    sampling = Sampling(stop=(stop,))
    stopped = finish(rack, rack.do(Ask(Complete("In the beginning"), TOKENS, sampling)).result(60))
    assert stopped.settled_text == whole.settled_text.split(stop)[0]
    assert stopped.token_ids == whole.token_ids[: len(stopped.token_ids)]
    assert (stopped.state, stopped.slashes, stopped.audits) == (RequestState.SETTLED, 0, 2)
    _cancel_one_of_two(rack, whole.token_ids)


def _cancel_one_of_two(rack: RackService, right: tuple[int, ...]) -> None:
    with paused_before(IN_A_RUN) as pause:
        stopped, other = start(rack, TOKENS), start(rack, TOKENS)
        pause.wait()
        rack.do(Cancel(stopped)).result(60)
        assert finish(rack, stopped).state is RequestState.CANCELLED
    rest = finish(rack, other)
    assert (rest.state, rest.failovers, rest.slashes) == (RequestState.SETTLED, 0, 0)
    assert rest.token_ids == right


@pytest.mark.parametrize(("kind", "index"), [(FaultKind.WRONG_OUTPUT, 1), (FaultKind.CRASH, 0)])
def test_a_fault_at_an_end_is_caught_and_the_tokens_stay_right(
    rack: RackService, kind: FaultKind, index: int
) -> None:
    right = finish(rack, start(rack, TOKENS)).token_ids
    serial = wait_for(rack, lambda snapshot: snapshot.phase in READY).phones[index].serial
    rack.do(Inject(Fault(kind, serial, token=10))).result(60)
    request = finish(rack, start(rack, TOKENS))
    assert (request.token_ids, request.state) == (right, RequestState.SETTLED)
    assert request.slashes == (kind is FaultKind.WRONG_OUTPUT)
    assert request.failovers == (kind is FaultKind.CRASH)
    kinds = {event.kind for event in rack.snapshot().timeline}
    assert TimelineKind.SLASH in kinds or TimelineKind.FAILOVER in kinds
