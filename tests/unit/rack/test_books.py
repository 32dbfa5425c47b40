"""The ledger's thread: what arrives during a commit shares the next one; nothing is told early."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import LedgerError
from app.core.identifiers import Serial, TransactionId
from app.core.nursery import Nursery
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.ledger import Ledger
from app.ledger.storage.sqlite import SqliteStorage
from app.ledger.views.export import export_ledger
from app.rack import ledger_thread as books_module
from app.rack.home import Home
from app.rack.ledger_thread import LedgerThread
from app.testing.clocks import ManualClock
from app.words.sentences import error_text
from tests.signing import proven_key

SERIAL = Serial("phone")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""RFC 8032, section 7.1, test 1."""


@pytest.fixture
async def ledger_thread(tmp_path: Path) -> AsyncIterator[LedgerThread]:
    ledger_thread = await opened(tmp_path)
    yield ledger_thread
    await ledger_thread.close()
    home = Home(tmp_path)
    assert verify_ledger(home.ledger_file, read_public_key(home.ledger_key)).valid


async def opened(folder: Path, largest_group: int = books_module.LARGEST_GROUP) -> LedgerThread:
    clock = ManualClock()
    ledger_thread = LedgerThread(Home(folder), clock, Nursery(clock), largest_group)
    await ledger_thread.open()
    await ledger_thread.run(register)
    return ledger_thread


def register(ledger: Ledger) -> None:
    ledger.register_phone(SERIAL, proven_key(KEY, SERIAL, ledger.host_key), "class")


def stake(ledger: Ledger) -> None:
    ledger.add_stake(SERIAL, 1)


class Gate:
    """An operation that holds the ledger's thread until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._let_go = threading.Event()

    def __call__(self, _ledger: Ledger) -> None:
        self.reached.set()
        assert self._let_go.wait(60)

    def open(self) -> None:
        self._let_go.set()


async def held(ledger_thread: LedgerThread) -> tuple[Gate, asyncio.Task[None]]:
    gate = Gate()
    task = asyncio.create_task(ledger_thread.run(gate))
    assert await asyncio.to_thread(gate.reached.wait, 60)
    return gate, task


async def all_handed_in(tasks: list[asyncio.Task[None]]) -> list[asyncio.Task[None]]:
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    return tasks


def connection_of(ledger_thread: LedgerThread) -> sqlite3.Connection:
    assert ledger_thread._ledger is not None
    store = ledger_thread._ledger._store
    assert isinstance(store, SqliteStorage)
    return store._connection


@pytest.mark.parametrize(("largest_group", "commits"), [(256, 1), (8, 4), (1, 30)])
async def test_what_arrives_while_the_thread_works_is_committed_together(
    tmp_path: Path, largest_group: int, commits: int
) -> None:
    ledger_thread = await opened(tmp_path, largest_group)
    said: list[str] = []

    def listen(_ledger: Ledger) -> None:
        connection_of(ledger_thread).set_trace_callback(said.append)

    await ledger_thread.run(listen)
    gate, holding = await held(ledger_thread)
    tasks = await all_handed_in([asyncio.create_task(ledger_thread.run(stake)) for _ in range(30)])
    gate.open()
    await asyncio.gather(holding, *tasks)
    await ledger_thread.run(lambda _ledger: connection_of(ledger_thread).set_trace_callback(None))
    assert said.count("COMMIT") == commits
    assert sum(statement.startswith("INSERT INTO journal") for statement in said) == 30
    await ledger_thread.close()


async def test_nothing_is_told_before_it_is_on_the_disk(
    ledger_thread: LedgerThread, tmp_path: Path
) -> None:
    async def add(amount: int) -> None:
        await ledger_thread.run(lambda ledger: ledger.add_stake(SERIAL, amount))
        with sqlite3.connect(Home(tmp_path).ledger_file) as reader:
            (found,) = reader.execute(
                "SELECT count(*) FROM journal WHERE body LIKE ?", (f'%"amount":"{amount}"%',)
            ).fetchone()
            (size, entries) = reader.execute(
                "SELECT size, (SELECT count(*) FROM journal) FROM head"
            ).fetchone()
        reader.close()
        assert found == 1
        assert size == entries
        assert ledger_thread.newest is not None
        assert ledger_thread.newest.entries <= entries

    await asyncio.gather(*(add(1000 + number) for number in range(60)))


async def test_each_caller_has_its_own_result_or_error(ledger_thread: LedgerThread) -> None:
    async def say(number: int) -> str:
        def operate(ledger: Ledger) -> str:
            if number % 3 == 0:
                ledger.settle(TransactionId(f"t{number}"), 1)
            ledger.add_stake(SERIAL, 1)
            if number % 3 == 1:
                raise StopIteration
            return f"said {number}"

        try:
            return await ledger_thread.run(operate)
        except LedgerError as error:
            return error_text(error)
        except RuntimeError as error:
            return str(error)

    before = await ledger_thread.run(lambda ledger: ledger.standing(SERIAL).stake)
    said = await asyncio.gather(*(say(number) for number in range(30)))
    expected = [
        f"Transaction t{number} is not in the ledger."
        if number % 3 == 0
        else ("coroutine raised StopIteration" if number % 3 == 1 else f"said {number}")
        for number in range(30)
    ]
    assert said == expected
    assert await ledger_thread.run(lambda ledger: ledger.standing(SERIAL).stake) == before + 10


async def test_a_failed_commit_is_told_to_everyone_and_the_next_one_counts(
    ledger_thread: LedgerThread,
) -> None:
    before = ledger_thread.newest
    gate, holding = await held(ledger_thread)
    tasks = await all_handed_in([asyncio.create_task(ledger_thread.run(stake)) for _ in range(9)])

    def fail(_ledger: Ledger) -> None:
        connection_of(ledger_thread).set_progress_handler(lambda: 1, 1)

    tasks.append(asyncio.create_task(ledger_thread.run(fail)))
    await all_handed_in(tasks)
    gate.open()
    await holding
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, LedgerError) for outcome in outcomes)
    assert ledger_thread.newest == before
    mend = partial(connection_of(ledger_thread).set_progress_handler, None, 0)
    await asyncio.get_running_loop().run_in_executor(ledger_thread._thread, mend)
    await ledger_thread.run(stake)
    assert ledger_thread.newest is not None
    assert before is not None
    assert ledger_thread.newest.entries == before.entries + 1


async def test_who_went_away_before_its_turn_has_nothing_written(
    ledger_thread: LedgerThread,
) -> None:
    gate, holding = await held(ledger_thread)
    tasks = await all_handed_in([asyncio.create_task(ledger_thread.run(stake)) for _ in range(4)])
    tasks[1].cancel()
    gate.open()
    await holding
    assert [
        isinstance(outcome, asyncio.CancelledError)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True)
    ] == [False, True, False, False]
    assert ledger_thread.newest is not None
    kinds = [row.kind for row in ledger_thread.newest.journal]
    assert kinds.count("stake-added") == 3


async def test_no_more_wait_than_there_is_room_for_and_all_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books_module, "MOST_WAITING", 5)
    ledger_thread = await opened(tmp_path)
    gate, holding = await held(ledger_thread)
    tasks = await all_handed_in([asyncio.create_task(ledger_thread.run(stake)) for _ in range(40)])
    assert len(ledger_thread._waiting) == 4
    gate.open()
    await asyncio.gather(holding, *tasks)
    assert ledger_thread.newest is not None
    assert [row.kind for row in ledger_thread.newest.journal].count("stake-added") == 40
    await ledger_thread.close()


async def test_closing_writes_what_was_handed_in_and_refuses_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books_module, "MOST_WAITING", 5)
    ledger_thread = await opened(tmp_path)
    gate, holding = await held(ledger_thread)
    tasks = await all_handed_in([asyncio.create_task(ledger_thread.run(stake)) for _ in range(9)])
    closing = asyncio.create_task(ledger_thread.close())
    await all_handed_in([closing])
    gate.open()
    await asyncio.gather(holding, closing)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    written = sum(outcome is None for outcome in outcomes)
    assert written == 4
    assert all(isinstance(outcome, RuntimeError) for outcome in outcomes if outcome is not None)
    entries = export_ledger(Home(tmp_path).ledger_file)["entries"]
    assert [entry["kind"] for entry in entries].count("stake-added") == written
