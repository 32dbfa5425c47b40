"""The ledger verified and saved by processes of their own: what came of it, and none is left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.identifiers import Serial
from app.ledger.storage.addresses import evidence_folder
from app.ledger.views.snapshot import SlashRow
from app.rack.home import Home
from app.ui.ledger.check_dialog import CheckDialog
from app.ui.ledger.desk import LedgerDesk, evidence_name
from app.ui.ledger.evidence_dialog import EvidenceDialog
from app.ui.ledger.foot import LedgerFoot
from app.ui.ledger.ledger_process import LedgerProcess
from app.ui.looks.appearance import Appearance
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from app.words.catalogue import message
from tests.ui.window_support import child

WAITS = "import sys, time; print('begun', flush=True); time.sleep(600)"
"""What somebody has to end."""
ABOUT = message("Replays all of it, and checks every signature.")
HELD = "a" * 64


@pytest.fixture
def foot(qtbot: QtBot, qapp: QApplication, settings: Settings) -> Iterator[LedgerFoot]:
    link, appearance = RackLink(), Appearance(qapp, settings)
    foot = LedgerFoot(link, appearance, LedgerDesk(settings.folder))
    qtbot.addWidget(foot)
    foot.show()
    yield foot
    foot.close_processes()
    for part in (appearance, link):
        part.deleteLater()


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def ended(qtbot: QtBot, process: LedgerProcess) -> tuple[bool, str]:
    with qtbot.waitSignal(process.ended) as told:
        pass
    done, words = told.args
    return bool(done), str(words)


def test_what_a_command_says_is_told_with_how_it_ended(qtbot: QtBot, foot: LedgerFoot) -> None:
    assert ended(qtbot, LedgerProcess(python("print('untouched')"), foot)) == (True, "untouched")
    fails = "import sys; print('entry 3', file=sys.stderr); sys.exit(1)"
    assert ended(qtbot, LedgerProcess(python(fails), foot)) == (False, "entry 3")
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert ended(qtbot, LedgerProcess(python(killed), foot)) == (
        False,
        "It ended without a word.",
    )


def test_a_program_that_is_not_there_is_told(qtbot: QtBot, foot: LedgerFoot) -> None:
    done, words = ended(qtbot, LedgerProcess(("/nowhere/at-all",), foot))
    assert not done
    assert words


def test_a_file_is_written_whole_or_not_at_all(
    qtbot: QtBot, foot: LedgerFoot, tmp_path: Path
) -> None:
    path = tmp_path / "journal.csv"
    path.write_text("of yesterday")
    half = python("import sys; print('half'); sys.exit(1)")
    done, _ = ended(qtbot, LedgerProcess(half, foot, path))
    assert (done, path.read_text()) == (False, "of yesterday")
    done, _ = ended(qtbot, LedgerProcess(python("print('all')"), foot, path))
    assert (done, path.read_text()) == (True, "all\n")
    assert [each.name for each in tmp_path.glob("*journal*")] == ["journal.csv"]
    assert not list(tmp_path.glob(".*.new"))


def test_where_nothing_can_be_written_it_is_said_and_saving_can_be_tried_again(
    qtbot: QtBot, foot: LedgerFoot, tmp_path: Path
) -> None:
    path = tmp_path / "missing" / "journal.jsonl"
    with qtbot.waitSignal(foot._link.failed) as told:
        foot.save(path)
    assert str(path) in told.args[0]
    assert foot.save_button.isEnabled()


def test_the_name_of_a_file_says_its_form(foot: LedgerFoot, qtbot: QtBot, tmp_path: Path) -> None:
    with qtbot.waitSignal(foot._link.failed) as told:
        foot.save(tmp_path / "journal.txt")
    assert ".csv" in told.args[0]
    assert foot.save_button.isEnabled()


def test_cancelling_ends_the_command_and_leaves_no_file(
    qtbot: QtBot, foot: LedgerFoot, tmp_path: Path
) -> None:
    process = LedgerProcess(python(WAITS), foot, tmp_path / "journal.jsonl")
    draft = tmp_path / ".journal.jsonl.new"
    qtbot.waitUntil(lambda: draft.exists() and bool(draft.read_text()))
    process.cancel()
    assert ended(qtbot, process) == (False, "Cancelled.")
    assert not process.running
    assert list(tmp_path.glob("*journal*")) == []


def opened(foot: LedgerFoot, code: str) -> CheckDialog:
    title = message("Verify the ledger")
    dialog = CheckDialog(title, ABOUT, python(code), foot._appearance, foot)
    dialog.show()
    return dialog


def test_the_dialog_tells_what_came_of_it(qtbot: QtBot, foot: LedgerFoot) -> None:
    dialog = opened(foot, "print('entry 3 is wrong'); exit(1)")
    assert dialog.line.text().startswith("Checking for")
    qtbot.waitUntil(lambda: dialog.line.text() == "entry 3 is wrong")
    assert not dialog.cancel.isEnabled()
    assert dialog.copy_button.isEnabled()
    dialog.leave.click()


def test_cancel_in_the_dialog_says_so(qtbot: QtBot, foot: LedgerFoot) -> None:
    dialog = opened(foot, WAITS)
    qtbot.waitUntil(lambda: dialog.process.running)
    dialog.cancel.click()
    qtbot.waitUntil(lambda: dialog.line.text() == "Cancelled.")
    dialog.leave.click()


@pytest.mark.parametrize("how", ["dialog", "window"])
def test_closing_leaves_no_process_behind(
    qtbot: QtBot, foot: LedgerFoot, tmp_path: Path, how: str
) -> None:
    mark = tmp_path / "pid"
    code = f"import os; open({str(mark)!r}, 'w').write(str(os.getpid()) + '.')\n{WAITS}"
    dialog = opened(foot, code)
    qtbot.waitUntil(lambda: mark.exists() and mark.read_text().endswith("."))
    if how == "dialog":
        dialog.reject()
    else:
        foot.close_processes()
    number = mark.read_text().rstrip(".")
    assert not Path("/proc", number).exists()


def test_closing_the_window_ends_what_is_being_saved(
    qtbot: QtBot, foot: LedgerFoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LedgerDesk, "export_command", lambda _desk, _form: python(WAITS))
    draft = tmp_path / ".journal.jsonl.new"
    foot.save(tmp_path / "journal.jsonl")
    assert not foot.save_button.isEnabled()
    qtbot.waitUntil(lambda: draft.exists() and bool(draft.read_text()))
    assert foot._saving is not None
    foot.close_processes()
    assert not foot._saving.running
    assert list(tmp_path.glob("*journal*")) == []


def test_a_ledger_that_is_not_there_fails_in_words(qtbot: QtBot, foot: LedgerFoot) -> None:
    dialog = foot.verify()
    qtbot.waitUntil(lambda: not dialog.cancel.isEnabled())
    assert "ledger" in dialog.line.text()
    assert "Traceback" not in dialog.line.text()
    dialog.leave.click()


def slash_of(evidence: str) -> SlashRow:
    return SlashRow(7, 0, Serial("phone"), 1, "audit-failed", evidence)


def test_evidence_with_a_file_can_be_judged_again_also_from_an_answers_records(
    qtbot: QtBot, window: MainWindow
) -> None:
    told = f'{{"sharp_test": {{"evidence": "{HELD}"}}}}'
    bare = window.ledger.open_slash(slash_of(told))
    assert not bare.verify.isEnabled()
    bare.reject()
    qtbot.waitUntil(lambda: not window.findChildren(EvidenceDialog))
    kept = evidence_folder(Home(window.settings.folder).ledger_place) / HELD
    kept.parent.mkdir(parents=True)
    kept.write_text("no evidence")
    window.playground.evidence_wanted.emit(slash_of(told))
    evidence = child(window, EvidenceDialog)
    evidence.verify.click()
    dialog = child(window, CheckDialog)
    assert str(kept) in dialog.process._process.arguments()
    dialog.reject()
    evidence.reject()


@pytest.mark.parametrize(
    "odd", ["", "[]", "{}", '{"sharp_test": 3}', '{"sharp_test": {"evidence": "../key"}}']
)
def test_evidence_that_names_no_file_leads_to_none(odd: str) -> None:
    assert evidence_name(odd) == ""
