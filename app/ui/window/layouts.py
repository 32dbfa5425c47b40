"""What each layout does with the docks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMainWindow, QTabBar

from app.ui.looks.spoken import spoken
from app.ui.window.dock import Dock
from app.ui.window.layout_names import Layout

_ACROSS = Qt.Orientation.Horizontal
_DOWN = Qt.Orientation.Vertical


_LEAST_PLAYGROUND = 270
"""Pixels that a prompt, the strip and a few lines of text need, and the ledger's checks."""
_LEAST_WHEN_LOW = 226
"""The same without the strip: the charts need some of it."""
_LINES = 92
"""Pixels of menus, header and notice."""
_TIMELINE_HEIGHT = 140
_TIMELINE_SHARE = 8
"""Of a high window: its lanes then have room for words that can be read."""
_MAP_HEIGHT = 186
_DEVICES_WIDTH, _DEVICES_SHARE = 240, 8
_LEAST_CHART = 120
_TABS = 32
"""Pixels of the tabs over the map and of the gaps below it."""
_WIDE_PX = 2000
"""A wider window has room for what else stands behind a tab."""
_LOW_PX = 880
"""A lower window has no room for the timeline below the charts: it stands beside one of them.

Higher than a full window has to be in any language, else that could never be made lower."""


def arrange(window: QMainWindow, docks: Mapping[str, Dock], layout: Layout) -> None:
    """Put every dock in its place; docks a layout leaves out are hidden."""
    for dock in docks.values():
        dock.setFloating(False)
        window.removeDockWidget(dock)
    _placing(layout)(window, docks)
    for dock in docks.values():
        if window.dockWidgetArea(dock) is Qt.DockWidgetArea.NoDockWidgetArea:
            window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
            dock.hide()
    refresh_titles(window, docks)


def _placing(layout: Layout) -> Callable[[QMainWindow, Mapping[str, Dock]], None]:
    match layout:
        case Layout.OPERATOR:
            return _operator
        case Layout.PRESENTER:
            return _presenter
        case Layout.TESTER:
            return _tester
        case _:
            assert_never(layout)


def refresh_titles(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    """Let tabs carry the titles of tabbed docks, and name the bars of tabs that Qt makes."""
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        spoken(bar.setAccessibleName, "Panels")
    for dock in docks.values():
        beside = [other for other in window.tabifiedDockWidgets(dock) if not other.isHidden()]
        dock.show_tabbed(tabbed=bool(beside) and not dock.isFloating())


def _operator(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    _place(window, docks, Qt.DockWidgetArea.TopDockWidgetArea, "devices")
    _split(window, docks, "devices", "map", _ACROSS)
    _split(window, docks, "map", "latency", _DOWN)
    if window.height() < _LOW_PX:
        _split(window, docks, "latency", "timeline", _ACROSS)
        _tabs(window, docks, "timeline", "memory")
    else:
        _split(window, docks, "latency", "timeline", _DOWN)
        _split(window, docks, "latency", "memory", _ACROSS)
    _tabs(window, docks, "map", "assignment")
    _place(window, docks, Qt.DockWidgetArea.BottomDockWidgetArea, "playground")
    _split(window, docks, "playground", "ledger", _ACROSS)
    height, width = window.height(), window.width()
    if width >= _WIDE_PX:
        _split(window, docks, "ledger", "log", _ACROSS)
        _tabs(window, docks, "log", "faults", "experiments")
    else:
        _tabs(window, docks, "ledger", "faults", "experiments", "log")
    devices = max(_DEVICES_WIDTH, width // _DEVICES_SHARE)
    timeline = max(_TIMELINE_HEIGHT, height // _TIMELINE_SHARE)
    _size(window, docks, {"devices": devices, "map": width - devices - 6}, _ACROSS)
    _size(window, docks, {"latency": width // 2, "memory": width // 2}, _ACROSS)
    below = {"playground": width * 11 // 20, "ledger": width * 9 // 20}
    if width >= _WIDE_PX:
        below = {"playground": width * 2 // 5, "ledger": width * 3 // 10, "log": width * 3 // 10}
    _size(window, docks, below, _ACROSS)
    low = height < _LOW_PX
    bottom = max(height * 3 // 10, _LEAST_WHEN_LOW if low else _LEAST_PLAYGROUND)
    top = height - bottom - _LINES
    charts = max(top - _MAP_HEIGHT - _TABS - (0 if low else timeline), _LEAST_CHART)
    rows = {"map": top - charts - _TABS, "latency": charts}
    _size(window, docks, rows if low else {**rows, "timeline": timeline}, _DOWN)
    _size(window, docks, {"devices": top, "playground": bottom}, _DOWN)


def _presenter(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    _place(window, docks, Qt.DockWidgetArea.TopDockWidgetArea, "map")
    _split(window, docks, "map", "playground", _DOWN)
    _split(window, docks, "playground", "timeline", _DOWN)
    height = window.height()
    sizes = {"map": height * 3 // 10, "playground": height * 5 // 10, "timeline": height * 2 // 10}
    _size(window, docks, sizes, _DOWN)


def _tester(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    _place(window, docks, Qt.DockWidgetArea.TopDockWidgetArea, "devices")
    _split(window, docks, "devices", "map", _ACROSS)
    _split(window, docks, "map", "playground", _DOWN)
    low = window.height() < _LOW_PX
    if low:
        _tabs(window, docks, "playground", "timeline")
    else:
        _split(window, docks, "playground", "timeline", _DOWN)
    _place(window, docks, Qt.DockWidgetArea.BottomDockWidgetArea, "faults")
    height, width = window.height(), window.width()
    wide = width >= _WIDE_PX
    if wide:
        _split(window, docks, "faults", "experiments", _ACROSS)
        _split(window, docks, "experiments", "ledger", _ACROSS)
        _tabs(window, docks, "ledger", "log")
        _split(window, docks, "map", "latency", _ACROSS)
    else:
        _split(window, docks, "faults", "ledger", _ACROSS)
        _tabs(window, docks, "faults", "experiments")
        _tabs(window, docks, "ledger", "latency", "log")
    _size(window, docks, {"devices": _DEVICES_WIDTH, "map": width - _DEVICES_WIDTH - 6}, _ACROSS)
    below = {"faults": width // 2, "ledger": width // 2}
    if wide:
        below = {"faults": width // 5, "experiments": width * 2 // 5, "ledger": width * 2 // 5}
        _size(window, docks, {"map": width * 2 // 3, "latency": width // 3}, _ACROSS)
    _size(window, docks, below, _ACROSS)
    rows = {"map": 212, "playground": height // 4}
    _size(window, docks, rows if low else {**rows, "timeline": _TIMELINE_HEIGHT}, _DOWN)
    _size(window, docks, {"devices": height * 7 // 10, "faults": height * 3 // 10}, _DOWN)


def _place(
    window: QMainWindow, docks: Mapping[str, Dock], area: Qt.DockWidgetArea, name: str
) -> None:
    window.addDockWidget(area, docks[name])
    docks[name].show()


def _split(
    window: QMainWindow, docks: Mapping[str, Dock], name: str, beside: str, way: Qt.Orientation
) -> None:
    window.splitDockWidget(docks[name], docks[beside], way)
    docks[beside].show()


def _tabs(window: QMainWindow, docks: Mapping[str, Dock], name: str, *behind: str) -> None:
    for other in behind:
        window.tabifyDockWidget(docks[name], docks[other])
        docks[other].show()
    docks[name].raise_()


def _size(
    window: QMainWindow, docks: Mapping[str, Dock], sizes: Mapping[str, int], way: Qt.Orientation
) -> None:
    window.resizeDocks([docks[name] for name in sizes], list(sizes.values()), way)
