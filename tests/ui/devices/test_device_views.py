"""A rack of many phones: rows, cards, heat map, order, groups, tags, a phone's own page."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QItemSelectionModel
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.core.device import DeviceState
from app.core.facts import Fact
from app.rack.commands import Apply, Examine, InspectPhone, Replan
from app.rack.snapshot import StageSample, TimelineKind
from app.ui.devices.device_views import DeviceView, spark
from app.ui.devices.tags import Tags, tags_in
from app.ui.looks.tokens import contrast, ink_on
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from app.words.phones.arranging import SortBy, groups_of, in_order, strain
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish, settle


@pytest.fixture
def control() -> ScriptedControl:
    rack = ScriptedControl(64)
    rack.make_ready()
    rack.phones[40].state = DeviceState.JAILED
    return rack


@pytest.mark.parametrize("view", list(DeviceView))
def test_phones_are_shown_in_every_way_and_the_choice_is_kept(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl, settings: Settings, view: DeviceView
) -> None:
    window.actions_registry[f"devices-{view}"].trigger()
    publish(window, control)
    settle(qtbot, window)
    assert len(window.devices.model.rows) == 64
    picture = window.devices.list.viewport().grab().toImage()
    colours = {
        picture.pixelColor(x, y).name()
        for x in range(0, picture.width(), 3)
        for y in range(0, picture.height(), 3)
    }
    assert len(colours) > 4
    assert settings.chosen("devices", list(DeviceView), "") == view


def test_an_order_puts_the_worst_first_and_is_kept(
    window: MainWindow, control: ScriptedControl, settings: Settings
) -> None:
    devices = window.devices
    publish(window, control)
    for by, first in ((SortBy.HEAT, 63), (SortBy.STATE, 40), (SortBy.PLACE, 0)):
        devices.sort.setCurrentIndex(devices.sort.findData(by))
        assert devices.model.rows[0].serial == control.phones[first].serial
        assert settings.chosen("sort", [each.name for each in SortBy], "") == by.name


@pytest.mark.parametrize("by", list(SortBy))
def test_every_order_keeps_every_phone(control: ScriptedControl, by: SortBy) -> None:
    phones = control.snapshot().phones
    assert sorted(each.serial for each in in_order(phones, by)) == sorted(
        each.serial for each in phones
    )


def test_strain_is_a_share_and_a_cells_figure_can_be_read_on_it(
    window: MainWindow, control: ScriptedControl
) -> None:
    phones = control.snapshot().phones
    for by in (SortBy.HEAT, SortBy.BATTERY, SortBy.MEMORY, SortBy.REPUTATION):
        assert all(0 <= (strain(each, by, phones) or 0.0) <= 1 for each in phones)
    for theme in ("dark", "light"):
        window.appearance.set_theme(theme)
        for share in range(101):
            views = window.devices.views
            views.news.strains = {phones[0].serial: share / 100}
            fill = views._cells.fill(phones[0])
            assert contrast(ink_on(fill), fill) >= 4.5


def test_a_group_is_a_filter_with_its_number(window: MainWindow, control: ScriptedControl) -> None:
    devices = window.devices
    publish(window, control)
    devices.tags.replace([phone.serial for phone in control.phones[:3]], "shelf")
    for _, groups in groups_of(control.snapshot().phones, devices.tags.of):
        assert groups
        for group in groups:
            devices.filter.setText(group.term)
            assert not devices.problem.text()
            assert len(devices.model.rows) == group.count
    devices._fill_groups()
    words = [action.text() for action in devices.groups.menu().actions()]
    assert "shelf (3)" in words
    assert "jailed (1)" in words


def test_tags_are_kept_and_only_common_ones_are_replaced(settings: Settings) -> None:
    tags, one, two = Tags(settings), ScriptedControl().phones[0], ScriptedControl().phones[1]
    tags.replace([one.serial], "Shelf left")
    tags.replace([one.serial, two.serial], "night")
    assert tags.common([one.serial, two.serial]) == "night"
    tags.replace([one.serial, two.serial], "")
    again = Tags(settings)
    assert (again.of(one.serial), again.of(two.serial)) == (("shelf", "left"), ())
    assert tags_in('a, "b"\' a') == ("a", "b")


def test_phones_are_left_out_of_plans_and_taken_in_again(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    devices = window.devices
    for row in (1, 2):
        index = devices.model.index(row, 0)
        devices.list.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select)
    serials = frozenset(phone.serial for phone in control.phones[1:3])
    for words, excluded in (("Leave out of plans", serials), ("Use in plans again", frozenset())):
        menu = devices.menu_for(devices.selected())
        {action.text(): action for action in menu.actions()}[words].trigger()
        asked = control.commands_of(Replan)[-1]
        assert asked.conditions is not None
        assert asked.conditions.excluded == excluded
        publish(window, control)


def test_phones_stand_by_without_layers_and_are_taken_up_again(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    devices = window.devices
    for row in (1, 2):
        index = devices.model.index(row, 0)
        devices.list.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select)
    serials = frozenset(phone.serial for phone in control.phones[1:3])
    for words, excluded in (("Stand by", serials), ("Take up again", frozenset())):
        menu = devices.menu_for(devices.selected())
        {action.text(): action for action in menu.actions()}[words].trigger()
        QApplication.processEvents()
        plan, apply = control.commands[-2:]
        assert isinstance(plan, Replan)
        assert plan.conditions is not None
        assert plan.conditions.excluded == excluded
        assert not serials & {pin.serial for pin in plan.pins} or not excluded
        assert apply == Apply()
        publish(window, control)


def test_a_phones_page_holds_everything_of_it(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    phone = control.phones[1]
    control.tell(TimelineKind.INFO, Fact("layers.renewed"))
    control.tell(TimelineKind.ERROR, Fact("layers.renewed"), phone.serial)
    publish(window, control)
    window.devices.list.setCurrentIndex(window.devices.model.index(1, 0))
    page = window.devices.open_page(window.devices.model.rows[1])
    assert phone.name in page.windowTitle()
    for index in range(page.tabs.count()):
        page.tabs.setCurrentIndex(index)
        qtbot.wait(1)
    assert len(page.events.rows.rows) == 1
    page.read.click()
    assert control.commands[-1] == InspectPhone(phone.serial)
    qtbot.waitUntil(lambda: "worker started" in page.told.toPlainText())
    assert page.read.isEnabled()
    page.examine_button.click()
    assert Examine(phone.serial) in control.commands
    qtbot.waitUntil(lambda: "signs for what it did: it took what" in page.told.toPlainText())
    assert page.examine_button.isEnabled()
    page.close()
    qtbot.waitUntil(lambda: not isValid(page))
    publish(window, control)


def test_a_card_draws_the_largest_of_each_while() -> None:
    points = [StageSample(1000.0 - age, value, None) for age, value in ((50, 2.0), (1, 4.0))]
    shares = spark(points, 1000.0)
    assert (max(shares), shares[-1], len([each for each in shares if each])) == (1.0, 1.0, 2)
    assert spark([], 1000.0) == []
