"""What a control centre that was killed left set on phones is lifted as they join the next one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.errors import PhoneLostError
from app.core.identifiers import Serial
from app.faults.catalogue import Fault
from app.faults.kinds import FaultKind
from app.rack.faults.injected_file import FILE, LARGEST_BYTES, InjectedFile
from app.rack.faults.injector import FaultInjector
from app.rack.home import Home
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.phones.started_phones import StartedPhones
from app.words.sentences import fact_text
from tests.unit.rack.support import a_context, a_phone
from workers.fault_names import FaultName
from workers.protocol.commands import SetFault

A, B = Serial("A"), Serial("B")
SLOW = Fault(FaultKind.SLOW, A)


class _Worker:
    """Takes commands, unless it is gone."""

    def __init__(self) -> None:
        self.told: list[SetFault] = []
        self.gone = False

    async def call(self, command: SetFault) -> None:
        if self.gone:
            raise PhoneLostError("phone.stopped_answering", phone=A)
        self.told.append(command)


class _Opening:
    """A control centre that opens over what the one before left in its home."""

    def __init__(self, folder: Path) -> None:
        self.context, self.worker = a_context(), _Worker()
        self.phone = a_phone("A", client=self.worker)
        self.joins: list[Callable[[Phone], None]] = []
        fleet = SimpleNamespace(on_joined=self.joins.append, phones={A: self.phone})
        self.injector = FaultInjector(
            self.context,
            cast(Fleet, fleet),
            cast(StartedPhones, SimpleNamespace(serials=frozenset())),
            cast(Any, None),
            cast(Home, SimpleNamespace(folder=folder)),
        )

    async def join(self) -> None:
        for joined in self.joins:
            joined(self.phone)
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    @property
    def told(self) -> list[str]:
        return [fact_text(event.fact) for event in self.context.timeline.events]


async def _opened(folder: Path) -> _Opening:
    opening = _Opening(folder)
    await opening.injector.start()
    return opening


async def test_what_was_set_is_lifted_once_from_the_phone_it_was_set_on(tmp_path: Path) -> None:
    InjectedFile(tmp_path).begin(SLOW)
    opening = await _opened(tmp_path)
    await opening.join()
    await opening.join()
    assert opening.worker.told == [SetFault(FaultName.NONE)]
    assert len(opening.told) == 1
    assert not (tmp_path / FILE).exists()


async def test_what_could_not_be_lifted_stays_noted_and_is_tried_when_the_phone_is_back(
    tmp_path: Path,
) -> None:
    InjectedFile(tmp_path).begin(SLOW)
    opening = await _opened(tmp_path)
    opening.worker.gone = True
    await opening.join()
    assert opening.told == []
    assert InjectedFile(tmp_path).left_behind() == {A: str(SLOW)}
    opening.worker.gone = False
    await opening.join()
    assert len(opening.told) == 1
    assert not (tmp_path / FILE).exists()


async def test_a_second_crash_and_an_end_before_the_phone_was_seen_forget_nothing(
    tmp_path: Path,
) -> None:
    InjectedFile(tmp_path).begin(SLOW)
    InjectedFile(tmp_path).left_behind()
    second = InjectedFile(tmp_path)
    second.left_behind()
    second.begin(Fault(FaultKind.HANG, B))
    assert set(InjectedFile(tmp_path).left_behind()) == {A, B}
    opening = await _opened(tmp_path)
    await opening.injector.stop()
    assert set(InjectedFile(tmp_path).left_behind()) == {A, B}
    await opening.join()
    await opening.injector.stop()
    assert set(InjectedFile(tmp_path).left_behind()) == {B}


BAD = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[1, 2]",
    b'"A"',
    b"null",
    b"[" * 100_000,
    b'{"A": ' * 50_000,
    b'{"A": 7, "B": null, "C": ["slow"], "D": {"x": 1}}',
    b'{"A": NaN}',
    b" " * (LARGEST_BYTES + 1),
]


@pytest.mark.parametrize("content", BAD, ids=range(len(BAD)))
async def test_a_file_that_nobody_can_read_lifts_nothing_and_stops_nobody(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / FILE).write_bytes(content)
    opening = await _opened(tmp_path)
    await opening.join()
    assert (opening.worker.told, opening.told) == ([], [])
    InjectedFile(tmp_path).begin(SLOW)
    assert json.loads((tmp_path / FILE).read_text()) == {A: str(SLOW)}


async def test_a_folder_in_its_place_lifts_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert InjectedFile(tmp_path).left_behind() == {}
