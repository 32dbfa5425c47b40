"""The menu bar, built from the action registry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, assert_never

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from app.ui.charts.span import LookBack, span_words
from app.ui.window.layout_names import Layout
from app.ui.window.models_menu import ModelsMenu

if TYPE_CHECKING:
    from app.ui.window.main_window import MainWindow


def build_menus(window: MainWindow) -> None:
    """Fill the window's registry and its menu bar."""
    tr = QCoreApplication.translate
    bar = window.menuBar()
    rack = bar.addMenu(tr("Menus", "&Rack"))
    _fill_rack(window, rack)
    edit = bar.addMenu(tr("Menus", "&Edit"))
    _fill_edit(window, edit)
    view = bar.addMenu(tr("Menus", "&View"))
    _fill_layouts(window, view)
    view.addSeparator()
    _fill_docks(window, view.addMenu(tr("Menus", "Panels")))
    _fill_spans(window, view.addMenu(tr("Menus", "Charts")))
    _fill_theme(window, view.addMenu(tr("Menus", "Theme")))
    motion = window.actions_registry.add_switch(
        "reduce-motion",
        tr("Menus", "Reduce motion"),
        window.appearance.set_reduce_motion,
        on=window.appearance.reduce_motion,
    )
    view.addAction(motion)


def _fill_rack(window: MainWindow, menu: QMenu) -> None:
    tr, registry = QCoreApplication.translate, window.actions_registry
    generate = tr("Menus", "Generate")
    menu.addAction(registry.add("generate", generate, window.playground.start, "Ctrl+Return"))
    plan = window.map.replan.click
    menu.addAction(registry.add("replan", tr("Menus", "Re-plan"), plan, "Ctrl+P"))
    deployment = window.map.deployment
    apply = tr("Menus", "Apply assignment")
    menu.addAction(registry.add("apply", apply, deployment.apply, "Ctrl+Shift+A"))
    stop = tr("Menus", "Cancel the deployment")
    menu.addAction(registry.add("cancel-apply", stop, deployment.cancel))
    compare = tr("Menus", "Compare plans…")
    menu.addAction(registry.add("compare", compare, window.show_comparison))
    menu.addMenu(ModelsMenu(window.link, window))
    menu.addSeparator()
    connect = tr("Menus", "Connect a phone…")
    menu.addAction(registry.add("connect", connect, window.show_connect))
    demo = registry.add_switch(
        "demo",
        tr("Menus", "Start the demo prompt by itself"),
        window.set_start_demo,
        on=window.settings.start_demo,
    )
    menu.addAction(demo)
    menu.addSeparator()
    menu.addAction(registry.add("quit", tr("Menus", "Quit"), window.close, "Ctrl+Q"))


def _fill_edit(window: MainWindow, menu: QMenu) -> None:
    tr, registry = QCoreApplication.translate, window.actions_registry
    stack = window.editor.undo_stack
    undo = stack.createUndoAction(window, tr("Menus", "Undo"))
    redo = stack.createRedoAction(window, tr("Menus", "Redo"))
    menu.addAction(registry.adopt("undo", undo, "Ctrl+Z"))
    menu.addAction(registry.adopt("redo", redo, "Ctrl+Shift+Z"))
    menu.addSeparator()
    find = tr("Menus", "Find a command…")
    menu.addAction(registry.add("palette", find, window.show_palette, "Ctrl+K"))


def _layout_word(layout: Layout) -> str:
    tr = QCoreApplication.translate
    match layout:
        case Layout.OPERATOR:
            return tr("Menus", "Operator layout")
        case Layout.PRESENTER:
            return tr("Menus", "Presenter layout")
        case Layout.TESTER:
            return tr("Menus", "Tester layout")
        case _:
            assert_never(layout)


def _fill_layouts(window: MainWindow, menu: QMenu) -> None:
    tr, registry = QCoreApplication.translate, window.actions_registry
    for number, layout in enumerate(Layout, start=1):
        action = registry.add(
            f"layout-{layout}",
            _layout_word(layout),
            partial(window.use_layout, layout),
            f"Ctrl+{number}",
        )
        menu.addAction(action)
    reset = tr("Menus", "Reset layout")
    menu.addAction(registry.add("layout-reset", reset, window.reset_layout))


def _fill_docks(window: MainWindow, menu: QMenu) -> None:
    tr = QCoreApplication.translate
    for name, dock in window.docks.items():
        words = tr("Menus", "Show {panel}").format(panel=dock.windowTitle())
        action = window.actions_registry.add(f"dock-{name}", words, dock.toggle)
        action.setCheckable(True)
        dock.visibilityChanged.connect(action.setChecked)
        menu.addAction(action)


def _fill_spans(window: MainWindow, menu: QMenu) -> None:
    group = QActionGroup(window)
    for span in LookBack:
        choose = partial(window.chart_span.choose, span)
        action = window.actions_registry.add(f"span-{span.name}", span_words(span), choose)
        action.setCheckable(True)
        action.setChecked(window.chart_span.span is span)
        group.addAction(action)
        menu.addAction(action)


def _fill_theme(window: MainWindow, menu: QMenu) -> None:
    tr, registry = QCoreApplication.translate, window.actions_registry
    group = QActionGroup(window)
    words = {
        "system": tr("Menus", "Theme of the system"),
        "dark": tr("Menus", "Dark theme"),
        "light": tr("Menus", "Light theme"),
    }
    for theme, text in words.items():
        action = registry.add(f"theme-{theme}", text, partial(window.appearance.set_theme, theme))
        action.setCheckable(True)
        action.setChecked(window.appearance.theme == theme)
        group.addAction(action)
        menu.addAction(action)
