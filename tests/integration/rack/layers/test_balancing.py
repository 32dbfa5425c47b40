"""Layers of real workers move by themselves while a text is written, and it stays the same.

The model's weights are random and of 8 bits, so that many tokens are nearly as likely as the one
chosen. How likely each was tells sooner than the tokens where some row's last bits differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from app.benchmarks.stages.random_model import LlamaSize, write_random_llama
from app.core.identifiers import RequestId
from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.models.library import Library
from app.placement.rebalancing.readings import CauseKind
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Apply, Ask, ClearFault, Inject, RequestAssignment, SetBalancing
from app.rack.options import RackOptions
from app.rack.service import RackService
from app.rack.snapshot import LayerMove, RackSnapshot, RequestState
from tests.integration.rack.support import (
    HELD,
    PATIENCE,
    TIMEOUT_S,
    finish,
    open_rack_of,
    paused_before,
    request_in,
    shifted,
    wait_for,
)

TOKENS = 160
FACTOR = 50.0
SIZE = LlamaSize(
    layers=4, hidden_size=288, inner_size=768, heads=9, kv_heads=3, vocabulary_size=2_048
)
TEXT = tuple(range(100, 140))


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RackService]:
    home = tmp_path_factory.mktemp("home")
    Library(home).import_folder(write_random_llama(home / "checkpoint", SIZE), "random", "q8")
    options = RackOptions(home=home, rack="virtual:2", model="random", patience=PATIENCE)
    with open_rack_of(options) as opened:
        yield opened


def start(rack: RackService, tokens: int) -> RequestId:
    return rack.do(Ask(Complete(TEXT), tokens)).result(60)


def test_layers_leave_a_slow_phone_and_a_text_under_way_goes_on(rack: RackService) -> None:
    expected = finish(rack, start(rack, TOKENS))
    applied = rack.snapshot().applied
    assert applied is not None
    slow = max(applied.stages, key=lambda stage: stage.layer_count)
    rack.do(Inject(Fault(FaultKind.SLOW, slow.serial, 1, FACTOR))).result(60)
    texts = _texts_until(rack, lambda newest: _moves_for(newest, slow.serial) != [])
    moved = _moves_for(rack.snapshot(), slow.serial)[0]
    before, after = (each.stage_of(slow.serial) for each in (moved.before, moved.after))
    assert before is not None
    assert after is not None, "this rack gives every phone a layer"
    assert after.layer_count < before.layer_count
    rack.do(ClearFault(slow.serial)).result(60)
    for ended in (finish(rack, identifier) for identifier in texts):
        assert (ended.state, ended.token_ids) == (RequestState.SETTLED, expected.token_ids)
        assert ended.choices == expected.choices


def test_layers_moved_by_hand_change_no_bit_of_a_text_under_way(rack: RackService) -> None:
    rack.do(SetBalancing(Balancing.OFF)).result(60)  # none of their own accord meanwhile
    undisturbed = finish(rack, start(rack, TOKENS))
    applied = rack.snapshot().applied
    assert applied is not None
    with paused_before(HELD) as pause:
        identifier = start(rack, TOKENS)
        pause.wait()
        rack.do(RequestAssignment(shifted(applied))).result(60)
        rack.do(Apply()).result(60)
    ended = finish(rack, identifier)
    assert ended.receipts > undisturbed.receipts
    assert (ended.token_ids, ended.choices) == (undisturbed.token_ids, undisturbed.choices)
    rack.do(SetBalancing(Balancing.ON)).result(60)


def test_a_phone_that_comes_back_gets_layers_again_without_a_click(rack: RackService) -> None:
    applied = rack.snapshot().applied
    assert applied is not None
    serial = applied.serials[-1]
    rack.do(Inject(Fault(FaultKind.CRASH, serial, 2))).result(60)
    finish(rack, start(rack, 8))
    wait_for(rack, lambda newest: not _holds(newest, serial))
    rack.do(ClearFault(serial)).result(60)
    wait_for(rack, lambda newest: _holds(newest, serial))


def _texts_until(rack: RackService, fits: Callable[[RackSnapshot], bool]) -> list[RequestId]:
    """Return texts begun one after the other until the rack is as wanted.

    How long a phone has to be slow is a matter of seconds; how long one text takes, of the machine.
    """
    texts: list[RequestId] = []
    deadline_s = time.monotonic() + TIMEOUT_S
    while not fits(newest := rack.snapshot()):
        assert time.monotonic() < deadline_s, f"{newest.phase}: {newest.timeline[-5:]}"
        if not texts or not _under_way(newest, texts[-1]):
            texts.append(start(rack, TOKENS))
        time.sleep(0.02)
    return texts


def _under_way(snapshot: RackSnapshot, identifier: RequestId) -> bool:
    request = request_in(snapshot, identifier)
    return request is None or not request.state.ended


def _moves_for(snapshot: RackSnapshot, serial: str) -> list[LayerMove]:
    """Return the moves that were made because this phone was slow."""
    wanted = (CauseKind.SLOWER, serial)
    return [
        move
        for move in snapshot.balancing.moves
        if wanted in {(cause.kind, cause.serial) for cause in move.causes}
    ]


def _holds(snapshot: RackSnapshot, serial: str) -> bool:
    return snapshot.applied is not None and serial in snapshot.applied.serials
