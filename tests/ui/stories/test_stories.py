"""Whole stories at a real window on a real X server, by a real pointer and real keys.

The short one is told each time, on a rack that follows a script; the long ones are a soak, on
virtual phones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.stories.conftest import Opened

FIRST = "window.map._editor.requested.stages[0].layer_count"
READY = "snapshot and snapshot.phase.value == 'ready' and snapshot.applied is not None"
SETTLED = "any(each.state.value == 'settled' for each in snapshot.requests)"

ROOMY = (
    "next(((place, -1) for place, stage in enumerate(snapshot.applied.stages[:-1])"
    " if stage.layer_count > 1), (0, 1))"
)
"""A seam that can move by a layer, and which way."""
OPENED = "[type(each).__name__ for each in application.topLevelWidgets()]"
PICTURE = (
    "[[each.prompt, each.text, each.state.value, each.verified] for each in snapshot.requests]"
)


def test_an_operator_drags_layers_applies_and_asks(at_the_window: Opened) -> None:
    operator = at_the_window("script")
    operator.wait(READY)
    before = operator.see(FIRST)
    operator.drag_seam(0, 1)
    operator.wait(f"{FIRST} == {before + 1}")
    operator.click("window.map.apply")
    operator.wait(f"snapshot.applied.stages[0].layer_count == {before + 1}")
    operator.click("window.playground.prompt")
    operator.keys("ctrl+a")
    operator.types("Let there be")
    operator.keys("Return")
    operator.wait("snapshot.requests and snapshot.requests[-1].prompt == 'Let there be'")
    operator.wait("'God created' in window.playground.stream.toPlainText()")
    operator.leave()


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_an_operator_drags_applies_and_asks_real_phones(at_the_window: Opened) -> None:
    operator = at_the_window("phones", "virtual:3")
    operator.wait(READY)
    operator.click("window.map.balancing")
    operator.keys("Home", "Return")  # layers stay where they are put
    operator.wait("snapshot.balancing.mode.value == 'off'")
    place, by = operator.see(ROOMY)
    before = operator.see(f"snapshot.applied.stages[{place}].layer_count")
    operator.drag_seam(place, by)
    operator.wait("window.map.apply.isEnabled()")
    operator.click("window.map.apply")
    applied = f"snapshot.applied.stages[{place}].layer_count == {before + by}"
    operator.wait(f"snapshot.phase.value == 'ready' and {applied}")
    operator.click("window.playground.prompt")
    operator.keys("ctrl+a")
    operator.types("Let there be")
    operator.keys("Return")
    operator.wait(SETTLED)
    assert operator.see("snapshot.requests[-1].prompt") == "Let there be"
    assert operator.see("len(snapshot.requests[-1].text)") > 40
    operator.leave()


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_tester_experiments_sees_the_slash_its_evidence_and_the_report(
    at_the_window: Opened,
) -> None:
    tester = at_the_window("phones", "virtual:3")
    tester.wait(READY)
    tester.keys("ctrl+3")
    tester.wait("window.settings.layout == 'tester'")
    tester.command("Show Experiments")
    plans, kept = "find('PlanColumn')", "find('KeptColumn')"
    tester.wait(f"{plans}.chosen is not None")
    tester.click(f"{plans}.plan")
    tester.types("Liar")
    tester.keys("Return")
    tester.wait(f"{plans}.chosen.name.startswith('Liar')")
    tester.click(f"{plans}.start")
    tester.wait("snapshot.experiment is not None and snapshot.experiment.runs")
    tester.wait("len(snapshot.ledger.slashes)")
    tester.wait("snapshot.experiment is None or not snapshot.experiment.runs")
    tester.wait(f"len({kept}.table.rows.rows) == 1")
    assert tester.see(f"{kept}.table.rows.rows[0].verdict.value")
    tester.command("Show Ledger")
    tester.click_tab("window.ledger.tabs.tabBar()", 1)
    tester.click_row("window.ledger.slashing", 0)
    tester.keys("Return")
    tester.wait(f"{OPENED}.count('EvidenceDialog')")
    assert "first wrong step" in tester.see("find('EvidenceDialog').told.text()")
    tester.keys("Escape")
    tester.wait(f"not {OPENED}.count('EvidenceDialog')")
    tester.command("Show Experiments")
    tester.click(f"{kept}.report")
    tester.wait(f"'.html' in {kept}.verdict.text()")
    tester.leave()


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_presenter_plays_a_scene_to_its_end_and_the_recording_ends_in_the_same_picture(
    at_the_window: Opened, tmp_path: Path
) -> None:
    stream = tmp_path / "scene.stream"
    presenter = at_the_window("phones", "virtual:3", str(stream))
    presenter.wait(READY)
    presenter.command("A text by many phones")
    presenter.wait("find('ScenePlayer').scene is not None")
    presenter.wait("find('ScenePlayer').ended")
    presenter.wait(SETTLED)
    seen = presenter.see(PICTURE)
    presenter.leave()
    audience = at_the_window("recording", str(stream))
    audience.wait(SETTLED)
    audience.wait(f"{PICTURE} == {seen!r}")
    audience.leave()
