from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Event

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.command_line.machine.model_desk import HomeModelDesk
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.exporting import process as exporting
from app.models.library import Library
from app.rack.commands import Foresee, UseModel
from app.rack.snapshot import ModelChoice
from app.ui.looks.appearance import Appearance
from app.ui.models import import_job
from app.ui.models.desk import ForeseenModel, OfferedModel
from app.ui.models.dialog import ModelsDialog
from app.ui.models.import_job import RateMeter
from app.ui.models.importing import Importing
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, open_rack, publish, settle, shut
from tests.unit.models.support import write_random

TINY = OfferedModel("someone/tiny", "text-generation", 1200, 7, gated=False)
CLOSED = OfferedModel("someone/closed", "text-generation", 20, 1, gated=True)


class ScriptedDesk:
    """A hub of two models; what an import does is a line of Python."""

    def __init__(self, home: Path) -> None:
        self.real = HomeModelDesk(home)
        self.script = ""
        self.deleted: list[str] = []
        self.failure: BadInputError | None = None
        self.foreseen: list[str] = []
        self.answering = Event()
        self.answering.set()

    def search(self, words: str) -> Sequence[OfferedModel]:
        if self.failure is not None:
            raise self.failure
        return [each for each in (TINY, CLOSED) if words in each.name]

    def foresee(self, name: str, form: str, cache: str) -> ForeseenModel:
        self.foreseen.append(name)
        assert self.answering.wait(60)
        return self.real.foresee(name, form, cache)

    def import_command(self, name: str, form: str, cache: str) -> Sequence[str]:
        if self.script:
            return (sys.executable, "-c", textwrap.dedent(self.script))
        return self.real.import_command(name, form, cache)

    def delete(self, name: str) -> int:
        assert self.answering.wait(60)
        self.deleted.append(name)
        return 12_000_000


@pytest.fixture
def desk(tmp_path: Path) -> ScriptedDesk:
    return ScriptedDesk(tmp_path / "home")


@pytest.fixture
def window(
    qtbot: QtBot,
    qapp: QApplication,
    settings: Settings,
    control: ScriptedControl,
    desk: ScriptedDesk,
) -> Iterator[MainWindow]:
    shown = MainWindow(RackLink(), settings, Appearance(qapp, settings), None, desk)
    shown.resize(1400, 900)
    with qtbot.waitExposed(shown):
        shown.show()
    settle(qtbot, shown)
    open_rack(qtbot, shown, control)
    yield shown
    shut(qtbot, shown)


@pytest.fixture
def dialog(window: MainWindow) -> ModelsDialog:
    window.actions_registry["models"].trigger()
    return child(window, ModelsDialog)


def other(name: str, harm: Fact | None = None) -> ModelChoice:
    return ModelChoice(name, "q8", 12, 90_000_000, harm=harm)


def test_the_models_here_are_told_and_another_can_be_put_on_the_rack(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    control.others = (other("small"), other("harmed", Fact("model.harmed")))
    window.show_models()
    page = child(window, ModelsDialog).library
    rows = page.table.rows
    qtbot.waitUntil(lambda: rows.rowCount() == 3)
    told = [[rows.index(row, column).data() for column in (0, 1, 3, 5)] for row in range(3)]
    assert told[0] == ["demo", "f32", "108 MB", "on the rack"]
    assert told[1] == ["small", "q8", "90.0 MB", ""]
    assert rows.index(2, 4).data() != ""
    assert not page.use.isEnabled()
    page.table.selectRow(1)
    qtbot.mouseClick(page.use, Qt.MouseButton.LeftButton)
    assert control.commands[-1] == UseModel("small")


def test_deleting_asks_once_more_and_never_takes_what_is_on_the_rack(
    window: MainWindow, control: ScriptedControl, desk: ScriptedDesk, qtbot: QtBot
) -> None:
    control.others = (other("small"),)
    window.show_models()
    page = child(window, ModelsDialog).library
    qtbot.waitUntil(lambda: page.table.rows.rowCount() == 2)
    assert not page.delete.isEnabled()
    page.table.selectRow(1)
    page.delete.click()
    assert page.delete.text() == "Delete small: sure?"
    page.table.selectRow(0)
    page.table.selectRow(1)
    assert page.delete.text() == "Delete"
    page.delete.click()
    assert desk.deleted == []
    desk.answering.clear()
    page.delete.click()
    assert not page.delete.isEnabled()
    desk.answering.set()
    qtbot.waitUntil(lambda: page.line.text() == "small was removed, 12.0 MB freed.")
    assert page.delete.isEnabled()
    assert desk.deleted == ["small"]


def test_nothing_is_told_to_a_dialog_that_was_closed(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    window.show_models()
    dialog = child(window, ModelsDialog)
    with qtbot.waitSignal(dialog.destroyed):
        dialog.close()
    with qtbot.captureExceptions() as raised:
        publish(window, control)
    assert raised == []


def test_no_model_is_deleted_while_another_is_being_opened(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.others = (other("big"), other("small"))
    window.show_models()
    page = child(window, ModelsDialog).library
    qtbot.waitUntil(lambda: page.table.rows.rowCount() == 3)
    opening: Future[None] = Future()
    monkeypatch.setattr(control, "do", lambda _: opening)
    page.table.selectRow(1)
    page.use.click()
    page.table.selectRow(2)
    assert not page.delete.isEnabled()
    opening.set_exception(BadInputError("rack.no_model"))
    qtbot.waitUntil(page.delete.isEnabled)
    assert page.line.text()


def test_a_search_lists_what_the_hub_has(dialog: ModelsDialog, qtbot: QtBot) -> None:
    page = dialog.hub
    page.words.setText("someone")
    page.search.click()
    qtbot.waitUntil(lambda: page.table.rows.rowCount() == 2)
    assert page.found.text() == "2 models"
    assert page.table.rows.index(1, 4).data() == "to be accepted first"
    page.words.setText("nothing")
    page.search.click()
    qtbot.waitUntil(lambda: page.found.text() == "No model has these words in its name.")


def test_a_hub_that_cannot_be_asked_is_told(
    dialog: ModelsDialog, desk: ScriptedDesk, qtbot: QtBot
) -> None:
    desk.failure = BadInputError("hub.no_name", text="x")
    dialog.hub.words.setText("x")
    dialog.hub.search.click()
    qtbot.waitUntil(lambda: dialog.hub.found.text() not in ("", "searching…"))


def test_a_model_is_held_against_the_rack_before_it_is_imported(
    dialog: ModelsDialog,
    window: MainWindow,
    control: ScriptedControl,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    folder = write_random(tmp_path / "tiny")
    page = dialog.hub
    page.name.setText(str(folder))
    page.fit.click()
    qtbot.waitUntil(lambda: bool(control.commands_of(Foresee)))
    asked = control.commands_of(Foresee)[-1].models
    assert asked[0].quantization == page.form.currentData()
    qtbot.waitUntil(lambda: page.line.text().startswith("It fits demo: "))
    page.name.setText("no such thing at all /")
    page.fit.click()
    qtbot.waitUntil(lambda: not page.line.text().startswith(("It fits", "looking")))
    assert window.isVisible()


def test_rows_that_are_passed_by_are_not_asked_about(
    dialog: ModelsDialog, desk: ScriptedDesk, qtbot: QtBot
) -> None:
    page = dialog.hub
    page.table.rows.show_rows([replace(TINY, name=f"/nowhere/{row}") for row in range(20)])
    for row in range(20):
        page.table.selectRow(row)
    assert desk.foreseen == []
    qtbot.waitUntil(lambda: bool(desk.foreseen) and page.line.text() not in ("", "looking at it…"))
    assert desk.foreseen == ["/nowhere/19"]
    page.table.selectRow(0)
    page.name.setText("typed meanwhile")
    assert not page._resting.isActive()


def test_questions_that_wait_for_their_turn_are_dropped_for_a_newer_one(
    dialog: ModelsDialog, desk: ScriptedDesk, qtbot: QtBot
) -> None:
    page = dialog.hub
    desk.answering.clear()
    for name in ("/nowhere/a", "/nowhere/b", "/nowhere/c"):
        page.name.setText(name)
        page.fit.click()
        qtbot.waitUntil(lambda: desk.foreseen[:1] == ["/nowhere/a"])
    desk.answering.set()
    qtbot.waitUntil(lambda: page.line.text() not in ("", "looking at it…"))
    assert desk.foreseen == ["/nowhere/a", "/nowhere/c"]


def test_an_answer_is_never_told_of_a_name_that_was_put_in_meanwhile(
    dialog: ModelsDialog,
    control: ScriptedControl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    folder, page, act = write_random(tmp_path / "tiny"), dialog.hub, control._act
    held: Future[object] = Future()
    monkeypatch.setattr(
        control, "_act", lambda each: held if isinstance(each, Foresee) else act(each)
    )
    page.name.setText(str(folder))
    page.fit.click()
    qtbot.waitUntil(lambda: bool(control.commands_of(Foresee)))
    page.name.setText("someone/closed")
    assert page.line.text() == ""
    held.set_result(act(control.commands_of(Foresee)[0]))
    assert page.line.text() == ""
    page.name.setText(str(folder))
    page.fit.click()
    qtbot.waitUntil(lambda: page.line.text().startswith("It fits demo: "))


def test_a_folder_is_imported_in_a_process_of_its_own(
    dialog: ModelsDialog, window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = write_random(tmp_path / "tiny")
    dialog.hub.name.setText(str(folder))
    dialog.hub.start.click()
    assert not dialog.hub.start.isEnabled()
    assert dialog.strip.isVisibleTo(dialog)
    qtbot.waitUntil(lambda: window.importing.outcome is not None, timeout=120_000)
    assert window.importing.outcome is not None
    assert window.importing.outcome[:2] == (True, str(folder))
    library = Library(tmp_path / "home")
    assert [model.manifest.name for model in library.models()] == ["tiny-q8"]
    assert dialog.hub.start.isEnabled()
    assert library.delete("tiny-q8") > 0
    assert library.models() == ()


SLOW = """
    import json, sys, time
    for done in range(0, 1000):
        told = {"stage": "model.safetensors", "done": done * 10**6, "total": 10**9, "unit": "bytes"}
        print(json.dumps(told), flush=True)
        time.sleep(0.05)
"""


def test_an_import_tells_rate_and_time_left_and_can_be_cancelled(
    dialog: ModelsDialog, window: MainWindow, desk: ScriptedDesk, qtbot: QtBot
) -> None:
    desk.script = SLOW
    window.importing.start("someone/tiny", "q8", "f32")
    line = dialog.strip.line
    qtbot.waitUntil(lambda: "a second" in line.text() and "left" in line.text())
    assert "model.safetensors" in line.text()
    assert "of 1.00 GB" in line.text()
    dialog.close()
    assert window.importing.running
    window.importing.cancel()
    qtbot.waitUntil(lambda: not window.importing.running)
    window.show_models()
    strip = child(window, ModelsDialog).strip
    assert strip.title.text() == "someone/tiny was not imported."
    assert strip.line.text().startswith("Cancelled.")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; print('no room', file=sys.stderr); sys.exit(1)", "no room"),
        ("raise SystemExit(3)", "It ended without a word."),
        ("print('no json'); print('{}'); print('[1]')", "It ended without a word."),
    ],
)
def test_an_import_that_fails_says_why(
    window: MainWindow, desk: ScriptedDesk, qtbot: QtBot, script: str, said: str
) -> None:
    desk.script = script
    window.importing.start("someone/tiny", "q8", "f32")
    qtbot.waitUntil(lambda: not window.importing.running)
    assert window.importing.outcome == (False, "someone/tiny", said)


def test_a_window_that_closes_leaves_no_import_behind(
    window: MainWindow, desk: ScriptedDesk, qtbot: QtBot
) -> None:
    desk.script = SLOW
    window.importing.start("someone/tiny", "q8", "f32")
    job = window.importing.job
    assert job is not None
    qtbot.waitUntil(lambda: job.progress is not None)
    window.importing.close()
    assert not job.running


EXPORTING = """
    import json, signal, subprocess, sys
    from app.models.exporting import process as exporting
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(600)"
    )
    child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    child.stdout.readline()
    try:
        print(json.dumps({"stage": "export", "done": child.pid, "total": 0}), flush=True)
        child.wait()
    finally:
        exporting._end(child)
"""


@pytest.mark.parametrize("end", [Importing.close, Importing.cancel])
def test_what_an_import_has_started_ends_with_it_however_deaf(
    window: MainWindow,
    desk: ScriptedDesk,
    qtbot: QtBot,
    end: Callable[[Importing], None],
) -> None:
    desk.script = EXPORTING
    window.importing.start("someone/tiny", "q8", "f32")
    job = window.importing.job
    assert job is not None
    qtbot.waitUntil(lambda: job.progress is not None)
    assert job.progress is not None
    exporter = psutil.Process(job.progress.done)
    end(window.importing)
    qtbot.waitUntil(lambda: not exporter.is_running())


def test_an_exporter_has_less_time_to_end_than_the_import_that_ends_it() -> None:
    assert exporting._END_S * 1000 < import_job._CLOSE_MS < import_job.KILL_AFTER_MS


@pytest.mark.parametrize("stage", ["a", "b"])
def test_a_rate_is_of_one_stage(stage: str) -> None:
    meter = RateMeter()
    rates = [meter.measure("a", done, at) for done, at in ((0, 0.0), (10, 1.0), (30, 2.0))]
    assert rates == [None, 10.0, 15.0]
    later = meter.measure(stage, 35, 3.0)
    assert later == (pytest.approx(35 / 3) if stage == "a" else None)
