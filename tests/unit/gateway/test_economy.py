"""The economy over HTTP: read, and added to by what keepers signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import Serial
from app.gateway.server import Gateway
from app.ledger.views.discrepancy_rows import Discrepancies
from app.ledger.views.economy import EconomySnapshot, QuoteRow
from app.ledger.views.snapshot import LedgerSnapshot
from app.rack.commands import CompareReceipts, SubmitStatement
from app.rack.commands.command import Command, Result
from app.rack.snapshot import RackSnapshot
from tests.unit.gateway.fake_rack import FakeRack, serving
from tests.unit.gateway.raw_http import Answered, get, post

SIGNED = {"data": "{}", "signature": "1" * 128, "key": "2" * 64}
ECONOMY = EconomySnapshot(quotes=(QuoteRow("PHONE", "fixed", 5, 0),))


class TradingRack(FakeRack):
    """A rack with a ledger that takes one statement."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[SubmitStatement] = []

    def do(self, command: Command[Result]) -> Future[Result]:
        if isinstance(command, CompareReceipts):
            found: Future[Any] = Future()
            found.set_result(Discrepancies((Serial("A"),), (), receipts=3, stored=2, thin=1))
            return cast(Future[Result], found)
        if not isinstance(command, SubmitStatement):
            return super().do(command)
        done: Future[Any] = Future()
        if self.taken:
            done.set_exception(LedgerError("governance.voted_already", name="abc"))
        else:
            self.taken.append(command)
            done.set_result("PHONE")
        return cast(Future[Result], done)

    def snapshot(self) -> RackSnapshot:
        ledger = LedgerSnapshot(1, "", 7, (), (), economy=ECONOMY)
        return replace(super().snapshot(), ledger=ledger)


@pytest.fixture
def rack() -> TradingRack:
    return TradingRack()


@pytest.fixture
def gateway(rack: TradingRack, tmp_path: Path) -> Iterator[Gateway]:
    with serving(rack, tmp_path) as served:
        yield served


def posted(gateway: Gateway, body: object) -> Answered:
    return post(gateway, "/v1/economy/statements", json.dumps(body).encode())


def test_what_phones_keep_is_compared_with_the_journal(gateway: Gateway) -> None:
    told = json.loads(get(gateway, "/v1/economy/receipts").body)
    assert told["object"] == "shardloom.receipts"
    assert (told["even"], told["receipts"], told["stored"], told["asked"]) == (True, 3, 2, ["A"])


def test_it_is_read_and_added_to_once(gateway: Gateway, rack: TradingRack) -> None:
    told = json.loads(get(gateway, "/v1/economy").body)
    assert (told["treasury"], told["quotes"][0]["price"]) == (7, 5)
    first = posted(gateway, SIGNED)
    assert (first.status, json.loads(first.body)["about"]) == (201, "PHONE")
    assert rack.taken == [SubmitStatement(**SIGNED)]
    again = posted(gateway, SIGNED)
    assert again.status == 400
    assert "already" in again.error["message"]


@pytest.mark.parametrize(
    "change", [{"data": 1}, {"signature": "1"}, {"key": "Z" * 64}, {"more": ""}]
)
def test_what_is_no_statement_is_refused(gateway: Gateway, change: dict[str, object]) -> None:
    answer = posted(gateway, {**SIGNED, **change})
    assert answer.status == 400
    assert len(answer.error["message"].splitlines()) == 1
