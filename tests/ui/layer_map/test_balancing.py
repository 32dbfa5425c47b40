"""Layers that move by themselves: the control that lets them, and the line that tells of it."""

from __future__ import annotations

from dataclasses import replace

from pytestqt.qtbot import QtBot

from app.placement.rebalancing.readings import Cause, CauseKind
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import SetBalancing
from app.rack.snapshot import BalancingSnapshot, LayerMove
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish


def test_what_a_person_picks_goes_to_the_rack_and_the_control_follows_it(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    box = window.map.balancing
    assert box.currentData() == Balancing.OFF
    assert not box.line.text()
    box.setCurrentIndex(box.findData(Balancing.ASK))
    box.activated.emit(box.currentIndex())
    assert control.commands[-1] == SetBalancing(Balancing.ASK)
    control.balancing = BalancingSnapshot(Balancing.ON)
    publish(window, control)
    qtbot.waitUntil(lambda: box.currentData() == Balancing.ON)


def test_a_proposal_and_a_move_are_told_with_their_causes_and_what_came_of_them(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    assert control.requested is not None
    phone = control.phones[0].serial
    causes = (Cause(CauseKind.SLOWER, phone, 2.13),)
    after = control.requested.with_seam(0, 1)
    move = LayerMove(1.0, causes, control.requested, after, 0.31, 1000)
    line = window.map.balancing.line
    control.balancing = BalancingSnapshot(Balancing.ASK, move)
    publish(window, control)
    qtbot.waitUntil(lambda: "takes 2.13 times as long" in line.text())
    assert "31% more" in line.text()
    control.balancing = BalancingSnapshot(Balancing.ON, None, (move,))
    publish(window, control)
    qtbot.waitUntil(lambda: line.text().startswith("Layers move: "))
    told = replace(move, rate_before=12.0, rate_after=17.04, stall_s=0.21)
    control.balancing = BalancingSnapshot(Balancing.ON, None, (told,))
    publish(window, control)
    qtbot.waitUntil(lambda: "17.0 tok/s instead of 12.0" in line.text())
    assert "210 ms" in line.text()
