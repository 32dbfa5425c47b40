"""Transactions, stakes, quotes and proposals in the window; what is signed elsewhere goes in."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QAbstractItemModel
from pytestqt.qtbot import QtBot

from app.ledger.views.economy import EconomySnapshot, ProposalRow, QuoteRow, TransactionRow
from app.ledger.views.reasons import IN_WINDOW
from app.rack.commands import StopPayments, SubmitStatement
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish

PROPOSAL = ProposalRow(
    "ab" * 32, "Less", "open", 0, 0, 60, 0, 0, 100, True, "treasury-fee-per-mille", 10, 0, 0
)
ECONOMY = EconomySnapshot(
    escrow=5_000_000,
    votes=100,
    parameters={"evidence-window-s": 3600},
    proposals=(PROPOSAL,),
    quotes=(QuoteRow("PHONE", "load", 500, 1000),),
    transactions=(TransactionRow("r-1", "settled", 2, 10_000, 5_000_000, 1_000),),
)


def shown(window: MainWindow, control: ScriptedControl, economy: EconomySnapshot) -> None:
    control.economy = economy
    publish(window, control)
    window.ledger.tabs.setCurrentWidget(window.ledger.economy)


def has_one_row(rows: QAbstractItemModel) -> bool:
    return rows.rowCount() == 1


def test_each_page_shows_its_rows(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    shown(window, control, ECONOMY)
    view = window.ledger.economy
    for page, words in (
        ("transactions", ["r-1", "settled", "5 cr"]),
        ("quotes", ["PHONE", "500 µcr, up to 100 % more with load"]),
        ("proposals", ["ab" * 5, "Less", "treasury-fee-per-mille = 1 %"]),
        ("parameters", ["evidence-window-s"]),
    ):
        view.page.setCurrentIndex(view.page.findData(page))
        rows = getattr(view, page).rows
        qtbot.waitUntil(partial(has_one_row, rows))
        found = [rows.index(0, column).data() for column in range(len(words))]
        assert found == words
    view.page.setCurrentIndex(view.page.findData("stakes"))
    qtbot.waitUntil(lambda: view.stakes.rows.rowCount() > 0)
    assert "in escrow 5 cr" in view.line.text()


def test_a_signed_file_goes_to_the_rack_and_a_bad_one_is_one_line(
    window: MainWindow, control: ScriptedControl, tmp_path: Path
) -> None:
    shown(window, control, ECONOMY)
    view, path = window.ledger.economy, tmp_path / "vote.json"
    signed = {"data": "{}", "signature": "1" * 128, "key": "2" * 64}
    path.write_text(json.dumps(signed))
    view.submit_file(path)
    assert control.commands[-1] == SubmitStatement("{}", "1" * 128, "2" * 64)
    before = len(control.commands)
    for content in (b"", b"[]", b"\xff", b'{"data": 1}', b"x" * 100_000):
        path.write_bytes(content)
        view.submit_file(path)
        assert view.line.text()
        assert "\n" not in view.line.text()
    view.submit_file(tmp_path / "none.json")
    assert "none.json" in view.line.text()
    assert len(control.commands) == before


def test_the_stop_button_stops_for_a_day_and_ends_the_stop_in_force(
    window: MainWindow, control: ScriptedControl
) -> None:
    shown(window, control, ECONOMY)
    view = window.ledger.economy
    view.stop.click()
    assert control.commands[-1] == StopPayments(86_400, IN_WINDOW)
    shown(window, control, replace(ECONOMY, stopped_until_ms=4 * 10**12))
    view._say_lines()
    assert view.stop.text() == "End the stop"
    assert view.line.text().startswith("Emergency stop until")
    view.stop.click()
    assert control.commands[-1] == StopPayments(0, IN_WINDOW)
