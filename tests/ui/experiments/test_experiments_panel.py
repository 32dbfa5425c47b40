"""The experiments panel: whom a plan strikes, start and stop, verdicts, and the badge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.faults.experiments.archive import ExperimentArchive
from app.faults.experiments.phases import ExperimentPhase
from app.faults.experiments.status import ExperimentStatus
from app.rack.commands import StartExperiment, StopExperiment
from app.ui.experiments.badge import ExperimentBadge
from app.ui.experiments.compare_dialog import CompareExperimentsDialog
from app.ui.experiments.desk import ExperimentDesk
from app.ui.experiments.panel import ExperimentsPanel
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, publish
from tests.unit.faults.experiments.records import RECORD, record_with


@pytest.fixture
def panel(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl, tmp_path: Path
) -> ExperimentsPanel:
    archive = ExperimentArchive(tmp_path)
    archive.keep(RECORD)
    archive.keep(replace(record_with(cheats=()), identifier="20270101-000000-later"))
    panel = ExperimentsPanel(window.link, ExperimentDesk(tmp_path), window.appearance)
    qtbot.addWidget(panel)
    panel.show()
    publish(window, control)
    panel.refresh()
    qtbot.waitUntil(lambda: panel.plans.chosen is not None)
    return panel


def test_targets_are_counted_before_anything_is_done(
    panel: ExperimentsPanel, window: MainWindow, control: ScriptedControl
) -> None:
    panel.plans.plan.setCurrentIndex(panel.plans.plan.findText("Liar in the middle"))
    assert panel.plans.targets.text().startswith("Strikes 1 of 4 phones: ")
    assert panel.plans.start.isEnabled()
    assert not control.commands_of(StartExperiment)
    panel.plans.start.click()
    (started,) = control.commands_of(StartExperiment)
    assert started.experiment.name == "Liar in the middle"
    control.experiment = ExperimentStatus(
        "x", "Liar", ExperimentPhase.RUNNING, 1, 2, (control.phones[1].serial,), 0.0, 60.0
    )
    publish(window, control)
    badge = child(window, ExperimentBadge)
    assert badge.text() == "EXPERIMENT Liar: Running, pass 1 of 2"
    assert not badge.isHidden()
    assert not panel.plans.start.isEnabled()
    panel.plans.stop.click()
    assert control.commands_of(StopExperiment)
    control.experiment = replace(control.experiment, phase=ExperimentPhase.FINISHED)
    publish(window, control)
    assert badge.isHidden()


def test_kept_experiments_show_verdict_comparison_and_are_run_again(
    panel: ExperimentsPanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = panel.kept
    qtbot.waitUntil(lambda: kept.table.rows.rowCount() == 2)
    assert "As expected" in kept.verdict.text()
    kept.table.selectRow(1)
    assert "caught by an audit" in kept.verdict.text()
    kept.repeat.click()
    assert panel.plans.chosen == RECORD.experiment
    opened: list[str] = []
    monkeypatch.setattr(
        "app.ui.experiments.kept_column.QDesktopServices.openUrl",
        lambda url: opened.append(url.toLocalFile()),
    )
    kept.report.click()
    qtbot.waitUntil(lambda: bool(opened))
    assert Path(opened[0]).read_text("utf-8").startswith("<!DOCTYPE html>")
    kept.table.selectAll()
    kept.compare.click()
    dialog = child(kept, CompareExperimentsDialog)
    assert dialog.table.rows.rowCount() > 5
    dialog.close()
