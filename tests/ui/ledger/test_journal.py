from __future__ import annotations

from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from app.core.errors import LedgerError
from app.core.facts import Fact
from app.ledger.views.discrepancy_rows import ContradictionRow, Discrepancies, SignedText
from app.ledger.views.snapshot import JournalRow
from app.rack.commands import AnyCommand, ReadJournal
from app.ui.ledger.journal_rows import MOST_ROWS, JournalRows
from app.ui.ledger.journal_view import PAGE, JournalView
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl, journal_row
from tests.ui.window_support import publish

SNAPSHOT_ROWS = 200


def write(control: ScriptedControl, count: int, kind: str = "receipt") -> None:
    for _ in range(count):
        number = len(control.journal) + 1
        control.journal.append(journal_row(number, kind, Fact("journal.receipt", stage=number)))


def shown(window: MainWindow, control: ScriptedControl, count: int) -> JournalView:
    write(control, count)
    publish(window, control)
    window.ledger.show_journal()
    publish(window, control)
    return window.ledger.journal


def top_row(view: JournalView) -> int:
    return view.rows.rows[view.table.rowAt(0)].sequence


def test_the_journal_follows_its_end_also_after_the_layout_changed(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    view = shown(window, control, 150)
    bar = view.table.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    for height in (700, 900):
        window.resize(1400, height)
        qtbot.waitUntil(lambda: bar.value() == bar.maximum())
        write(control, 3)
        publish(window, control)
        qtbot.waitUntil(lambda: bar.value() == bar.maximum())
    assert not view.newest.isVisible()


def test_the_journal_does_not_slide_under_who_reads_it(
    window: MainWindow, control: ScriptedControl
) -> None:
    view = shown(window, control, SNAPSHOT_ROWS)
    bar = view.table.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    reading = top_row(view)
    for _ in range(5):
        write(control, 60)
        publish(window, control)
        assert top_row(view) == reading
    assert view.newest.isVisible()
    view.newest.click()
    assert view.rows.rows[-1].sequence == len(control.journal)
    assert bar.value() == bar.maximum()
    assert not view.newest.isVisible()


def test_what_was_missed_is_counted_and_the_newest_are_one_click_away(
    window: MainWindow, control: ScriptedControl
) -> None:
    view = shown(window, control, SNAPSHOT_ROWS)
    view.table.verticalScrollBar().setValue(100)
    write(control, 2 * SNAPSHOT_ROWS)
    publish(window, control)
    assert view.newest.text() == "400 new entries"
    view.newest.click()
    assert view.rows.rows[-1].sequence == 3 * SNAPSHOT_ROWS


def test_scrolling_to_the_top_reads_older_entries_and_stays_where_it_was(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    view = shown(window, control, 1000)
    bar = view.table.verticalScrollBar()
    bar.setValue(24)
    reading = top_row(view)
    qtbot.waitUntil(lambda: view.rows.rows[0].sequence == 1000 - SNAPSHOT_ROWS - PAGE + 1)
    assert top_row(view) == reading
    for _ in range(4):
        bar.setValue(0)
        qtbot.wait(10)
    assert [row.sequence for row in view.rows.rows] == list(range(1, 1001))
    asked = len(control.commands_of(ReadJournal))
    bar.setValue(50)
    bar.setValue(0)
    assert len(control.commands_of(ReadJournal)) == asked


def test_the_search_goes_through_the_whole_journal(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    write(control, 3, "audit")
    view = shown(window, control, 900)
    view.search.setText("audit")
    qtbot.waitUntil(lambda: [row.sequence for row in view.rows.rows] == [1, 2, 3])
    assert view.line.text() == "3 found"
    write(control, 5)
    publish(window, control)
    assert len(view.rows.rows) == 3
    view.search.clear()
    qtbot.waitUntil(lambda: len(view.rows.rows) > 3)
    assert view.rows.rows[-1].sequence == len(control.journal)
    assert view.line.text() == ""


class HeldPages:
    """Keeps what the rack answers to `ReadJournal` until it is let go."""

    def __init__(self, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch) -> None:
        self._act = control._act
        self.held: list[tuple[Future[object], object]] = []
        monkeypatch.setattr(control, "_act", self._hold)

    def _hold(self, command: AnyCommand) -> object:
        answer = self._act(command)
        if not isinstance(command, ReadJournal):
            return answer
        future: Future[object] = Future()
        self.held.append((future, answer))
        return future

    def let_go(self, index: int) -> None:
        future, answer = self.held[index]
        future.set_result(answer)


def test_a_page_that_comes_after_the_rows_moved_on_leaves_no_gap(
    window: MainWindow, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown(window, control, 1000)
    pages = HeldPages(control, monkeypatch)
    view.table.verticalScrollBar().setValue(24)
    assert len(pages.held) == 1
    write(control, 2 * SNAPSHOT_ROWS)
    publish(window, control)
    view.follow()
    before = [row.sequence for row in view.rows.rows]
    pages.let_go(0)
    assert [row.sequence for row in view.rows.rows] == before
    view.table.verticalScrollBar().setValue(0)
    pages.let_go(1)
    numbers = [row.sequence for row in view.rows.rows]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] == before[0] - PAGE


def test_a_search_typed_again_takes_no_page_of_the_one_before(
    window: MainWindow, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(control, 3, "audit")
    view = shown(window, control, 300)
    pages = HeldPages(control, monkeypatch)
    for words in ("audit", "", "audit"):
        view.search.setText(words)
        view._begin_search()
    pages.let_go(0)
    assert (view.rows.rows, view.line.text()) == ((), "searching…")
    pages.let_go(1)
    assert [row.sequence for row in view.rows.rows] == [1, 2, 3]


def test_a_search_that_is_refused_says_why(
    window: MainWindow, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown(window, control, 30)
    pages = HeldPages(control, monkeypatch)
    view.search.setText("audit")
    view._begin_search()
    assert view.line.text() == "searching…"
    pages.held[0][0].set_exception(LedgerError("ledger.file_damaged", reason="torn"))
    assert "torn" in view.line.text()
    view.search.setText("receipt")
    view._begin_search()
    assert view.line.text() == "searching…"
    pages.let_go(1)
    assert view.line.text() == "30 found"


Steps = st.lists(
    st.tuples(st.integers(0, 400), st.booleans(), st.booleans(), st.booleans()), max_size=12
)


@given(Steps)
def test_rows_are_always_one_run_without_a_gap(steps: list[tuple[int, bool, bool, bool]]) -> None:
    written: list[JournalRow] = []
    held = JournalRows()
    asked: int | None = None
    for count, following, asks, answered in steps:
        for _ in range(count):
            number = len(written) + 1
            written.append(journal_row(number, "receipt", Fact("journal.receipt", stage=1)))
        held.take_newest(written[-SNAPSHOT_ROWS:], following=following)
        asked = held.first if asks else asked
        if answered and asked is not None:
            page = written[max(asked - 1 - PAGE, 0) : asked - 1]
            held.take_older(page, before=asked, complete=asked - 1 <= PAGE)
        numbers = [row.sequence for row in held.rows]
        assert numbers == list(range(numbers[0], numbers[-1] + 1)) if numbers else not written
        assert len(numbers) <= MOST_ROWS
        assert not held.complete or numbers[0] == 1
        assert held.unseen == (len(written) - numbers[-1] if numbers else 0)


def test_the_journal_is_compared_with_phones_and_what_differs_is_said(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    window.ledger.show_journal()
    lie = ContradictionRow("head", "ab" * 32, "", 12, SignedText("a", ""), SignedText("b", ""))
    found = Discrepancies((), (), 5, 4, only_phones_count=1, contradictions=(lie,))
    control.discrepancies = found
    button = window.ledger.journal.compare
    button.click()
    qtbot.waitUntil(lambda: button.box is not None)
    assert button.box is not None
    said = button.box.text()
    assert "Phones keep 1 receipt that the journal has not." in said
    assert "two things under number 12" in said
    assert button.isEnabled()
    button.box.close()
