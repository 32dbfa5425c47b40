"""How answers are checked is set where the ledger is, and shown with what follows."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.core.audit_outcome import CheckMode
from app.ledger.views.snapshot import DoubtedClass
from app.rack.commands import ConfirmClass, KeepEvidence, SetChecks
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish


def test_what_a_person_sets_goes_to_the_rack_and_the_controls_follow_it(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    checks = window.ledger.checks
    qtbot.waitUntil(lambda: checks.rate.value() == 10.0)
    assert checks.mode.currentData() == CheckMode.AUTO
    checks.rate.setValue(25.0)
    checks.rate.editingFinished.emit()
    assert control.commands[-1] == SetChecks(0.25, CheckMode.AUTO)
    publish(window, control)
    checks.mode.setCurrentIndex(checks.mode.findData(CheckMode.ON))
    checks.mode.activated.emit(checks.mode.currentIndex())
    assert control.commands[-1] == SetChecks(0.25, CheckMode.ON)


def test_who_audits_is_set_there_and_rate_and_mode_stay(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    checks = window.ledger.checks
    qtbot.waitUntil(lambda: checks.rate.value() == 10.0)
    assert not checks.verifiers.isChecked()
    checks.verifiers.click()
    assert control.commands[-1] == SetChecks(0.1, CheckMode.AUTO, verifiers=True)
    publish(window, control)
    qtbot.waitUntil(checks.verifiers.isChecked)


def test_leaving_the_box_unchanged_sends_nothing(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    before = len(control.commands)
    window.ledger.checks.rate.editingFinished.emit()
    assert len(control.commands) == before


def test_what_is_least_safe_and_what_checking_cost_is_said(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    control.checks = replace(control.checks, cost_share=0.034)
    publish(window, control)
    line = window.ledger.checks.line
    words = "Honest work pays best above 5.0%. Checking the newest text took 3% of its time."
    qtbot.waitUntil(lambda: line.text() == words)
    control.checks = replace(control.checks, least_safe_rate=1.0, cost_share=None)
    publish(window, control)
    qtbot.waitUntil(lambda: line.text().startswith("No audit rate is safe"))


def test_a_class_in_doubt_is_told_of_as_long_as_it_is(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    doubts = window.ledger.doubts.words
    shown = window.ledger.doubts.confirm.isVisible
    assert not shown()
    control.doubted = [DoubtedClass("CPU; new; 0f", ("a", "b"))]
    publish(window, control)
    qtbot.waitUntil(shown)
    assert "2 phones of the new class CPU; new; 0f failed alike" in doubts.text()
    window.ledger.doubts.confirm.click()
    box = window.ledger.findChild(QMessageBox)
    assert box is not None
    assert "CPU; new; 0f" in box.text()
    next(each for each in box.buttons() if each.text() == "Confirm").click()
    assert control.commands[-1] == ConfirmClass("CPU; new; 0f")
    control.doubted.clear()
    publish(window, control)
    qtbot.waitUntil(lambda: not shown())


def test_how_long_evidence_is_kept_is_set_beside_the_ledger(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    dialog = window.ledger.open_evidence_rule()
    assert dialog is not None
    assert (dialog.days.text(), dialog.megabytes.value()) == ("for ever", 1024)
    dialog.days.setValue(30)
    dialog.megabytes.setValue(512)
    dialog.keep.click()
    assert control.commands[-1] == KeepEvidence(30, 512 << 20)
