"""Workers let each other in, also those that were started anew meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from app.pipeline.worker_client import WorkerAddress, WorkerClient
from app.rack.paths.path_finder import admit_everybody
from app.rack.phones.phone import Phone
from tests.unit.rack.support import a_phone
from workers.protocol.commands import Admit


class Told:
    """Stands where a worker's connection is: keeps whom it was told to admit."""

    def __init__(self, key: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.address = WorkerAddress("127.0.0.1", 1, 2, key)
        self.keys: list[str] = []
        self._meanwhile = meanwhile

    async def call(self, command: Admit) -> None:
        self.keys = [*command.keys]
        self._meanwhile()


def phone(serial: str, told: Told) -> Phone:
    return a_phone(serial, client=told)


async def test_a_worker_that_starts_while_others_are_told_is_admitted_by_the_rest() -> None:
    third = phone("C", Told("old"))

    def start_anew() -> None:
        third.worker.client = cast(WorkerClient, Told("new"))

    first, second = Told("a", start_anew), Told("b")
    hosts = [phone("A", first), phone("B", second)]
    await admit_everybody(hosts, [*hosts, third])
    assert first.keys == ["a", "b", "old"]
    assert second.keys == ["a", "b", "new"]
