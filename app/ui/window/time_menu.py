"""The menu of the time that charts and timeline show: how far back, paused, zoomed, saved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from app.ui.charts.span import LookBack, span_words
from app.ui.charts.time_view import TimeView
from app.ui.rack_link import RackLink
from app.ui.window.actions import ActionRegistry
from app.words.catalogue import message


def fill_time_menu(
    menu: QMenu,
    registry: ActionRegistry,
    view: TimeView,
    link: RackLink,
    save: Callable[[str], object],
) -> None:
    """Fill a menu; `save` is given the name of the dock whose chart is to be saved."""
    group = QActionGroup(menu)
    spans: dict[LookBack, QAction] = {}
    for span in LookBack:
        choose = partial(view.choose, span)
        action = registry.add(f"span-{span.name}", partial(span_words, span), choose)
        action.setCheckable(True)
        action.setChecked(view.span is span)
        group.addAction(action)
        menu.addAction(action)
        spans[span] = action
    view.spanned.connect(lambda: spans[view.span].setChecked(True))
    menu.addSeparator()
    pause = registry.add_switch(
        "pause", message("Pause the charts"), lambda on: view.pause(link.now_s, on=on), on=False
    )
    pause.setShortcut("Ctrl+Shift+P")
    view.changed.connect(lambda: pause.setChecked(view.paused))
    menu.addAction(pause)
    for name, words, keys, act in (
        ("zoom-in", message("Zoom into the charts"), "Ctrl+=", _zoom(view, link, closer=True)),
        ("zoom-out", message("Zoom out of the charts"), "Ctrl+-", _zoom(view, link, closer=False)),
        ("earlier", message("Charts: earlier"), "Ctrl+Left", _shift(view, link, later=False)),
        ("later", message("Charts: later"), "Ctrl+Right", _shift(view, link, later=True)),
        ("whole-time", message("Charts: all again, up to now"), "Ctrl+0", view.show_all),
    ):
        menu.addAction(registry.add(name, words, act, keys))
    menu.addSeparator()
    for dock, words in (
        ("latency", message("Save the latency chart…")),
        ("memory", message("Save the memory chart…")),
    ):
        menu.addAction(registry.add(f"save-{dock}", words, partial(save, dock)))


def _zoom(view: TimeView, link: RackLink, *, closer: bool) -> Callable[[], None]:
    return lambda: view.zoom(link.now_s, closer=closer)


def _shift(view: TimeView, link: RackLink, *, later: bool) -> Callable[[], None]:
    return lambda: view.shift(link.now_s, later=later)
