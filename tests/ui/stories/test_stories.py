"""Whole stories at a real window on a real X server, by a real pointer and real keys.

The short one is told each time, on a rack that follows a script; the long ones are a soak, on
virtual phones.
"""

from __future__ import annotations

from tests.ui.stories.conftest import Opened

FIRST = "window.map._editor.requested.stages[0].layer_count"
READY = "snapshot and snapshot.phase.value == 'ready' and snapshot.applied is not None"
SETTLED = "any(each.state.value == 'settled' for each in snapshot.requests)"


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
