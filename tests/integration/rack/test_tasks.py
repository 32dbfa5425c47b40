"""The tasks of a rack: each has an owner, none fails unheard, and none outlives it."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from app.rack.commands import MeasureLinks
from app.rack.options import RackOptions
from app.rack.paths.tunnel_watch import TunnelWatch
from app.rack.service import RackService, open_rack
from app.rack.snapshot import RackSnapshot, TimelineKind
from app.words.sentences import fact_text
from tests.integration.rack.support import generate, open_virtual_rack, wait_for

TOKENS = 4
FAILURES = 2


async def _unowned(rack: RackService) -> list[str]:
    """Return what runs on the service's loop that no nursery answers for."""
    assert rack._rack is not None
    owned = {*rack._nursery.names, *rack._rack._context.nursery.names}
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return [repr(task.get_coro()) for task in tasks if task.get_name() not in owned]


def test_every_task_of_an_open_rack_has_an_owner_and_none_outlives_it(tmp_path: Path) -> None:
    with open_virtual_rack(tmp_path, 2) as rack:
        generate(rack, TOKENS)
        asked = asyncio.run_coroutine_threadsafe(_unowned(rack), rack._loop)
        (only,) = asked.result(60)
        assert "RackService._serve" in only
        assert rack._rack is not None
        nursery = rack._rack._context.nursery
        assert {"the watch over workers", "the watch over tunnels"} <= set(nursery.names)
    assert nursery.names == ()


def test_a_watch_that_always_fails_is_told_of_once_and_the_rack_works_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def fail(_watch: TunnelWatch) -> None:
        nonlocal looks
        looks += 1
        raise ZeroDivisionError

    def told(snapshot: RackSnapshot) -> list[str]:
        errors = [each for each in snapshot.timeline if each.kind is TimelineKind.ERROR]
        return [fact_text(each.fact) for each in errors]

    monkeypatch.setattr(TunnelWatch, "look", fail)
    with open_virtual_rack(tmp_path, 2) as rack:
        snapshot = wait_for(rack, lambda snapshot: looks > FAILURES and bool(told(snapshot)))
        (text,) = told(snapshot)
        assert text.startswith("The watch over tunnels failed unexpectedly (ZeroDivisionError)")
        assert text.endswith("It goes on.")
        assert len(generate(rack, TOKENS).token_ids) == TOKENS


def test_a_command_that_waits_for_a_rack_to_open_ends_when_it_is_closed(tmp_path: Path) -> None:
    rack = open_rack(RackOptions(home=tmp_path / "home", rack="virtual:1"))
    waiting = rack.do(MeasureLinks())
    rack.close().result(60)
    with pytest.raises(CancelledError):
        waiting.result(0)
