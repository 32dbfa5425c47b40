"""The menu bar, built from the action registry."""

from __future__ import annotations

from functools import partial
from typing import Protocol, assert_never

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QMenuBar

from app.ui.charts.time_view import TimeView
from app.ui.devices.device_views import DeviceView, view_word
from app.ui.devices.devices_panel import DevicesPanel
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.layer_map.panel import LayerMapPanel
from app.ui.ledger.panel import LedgerPanel
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import spoken
from app.ui.playground.conversations.keeping import KeptTalks
from app.ui.playground.panel import Playground
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.ui.window.actions import ActionRegistry, StepAction, Words
from app.ui.window.dock import Dock
from app.ui.window.layout_names import Layout
from app.ui.window.models_menu import ModelsMenu
from app.ui.window.time_menu import fill_time_menu
from app.words.catalogue import LANGUAGES, Message, message, tr
from app.words.window import redo_text, show_panel, undo_text


class CommandedWindow(Protocol):
    """What the menus act on: the parts of a main window, and what it does by itself."""

    link: RackLink
    settings: Settings
    appearance: Appearance
    editor: AssignmentEditor
    map: LayerMapPanel
    playground: Playground
    devices: DevicesPanel
    time: TimeView
    docks: dict[str, Dock]
    kept_talks: KeptTalks
    ledger: LedgerPanel
    actions_registry: ActionRegistry

    def use_layout(self, layout: Layout) -> None:
        """Arrange the docks as a named layout says."""
        ...

    def reset_layout(self) -> None:
        """Go back to the Operator layout at its own sizes."""
        ...

    def set_start_demo(self, wanted: bool, /) -> None:  # noqa: FBT001 - a Qt slot
        """Remember whether the demo prompt starts by itself."""
        ...

    def show_connect(self) -> None:
        """Open the window that connects phones."""
        ...

    def show_serving(self) -> None:
        """Open the window that serves the rack over HTTP."""
        ...

    def show_models(self) -> None:
        """Open the window of models."""
        ...

    def show_conditions(self) -> None:
        """Open the window of what is asked of every plan."""
        ...

    def show_comparison(self) -> None:
        """Show the planner's answer beside other ways to place the model."""
        ...

    def save_chart(self, dock: str, /) -> None:
        """Ask where the chart of a dock is to be saved."""
        ...

    def show_palette(self) -> None:
        """Open the command palette."""
        ...

    def show_help(self) -> None:
        """Open the window of words and keys."""
        ...

    def close(self) -> bool:
        """Stop the rack, then close."""
        ...


def build_menus(window: CommandedWindow, bar: QMenuBar) -> None:
    """Fill the window's registry and its menu bar."""
    rack = _add_menu(bar, message("&Rack"))
    _fill_rack(window, rack)
    edit = _add_menu(bar, message("&Edit"))
    _fill_edit(window, edit)
    view = _add_menu(bar, message("&View"))
    _fill_layouts(window, view)
    view.addSeparator()
    _fill_docks(window, _add_menu(view, message("Panels")))
    _fill_devices(window, _add_menu(view, message("Devices")))
    charts = _add_menu(view, message("Charts"))
    fill_time_menu(charts, window.actions_registry, window.time, window.link, window.save_chart)
    _fill_theme(window, _add_menu(view, message("Theme")))
    _fill_languages(window, _add_menu(view, message("Language")))
    motion = window.actions_registry.add_switch(
        "reduce-motion",
        message("Reduce motion"),
        window.appearance.set_reduce_motion,
        on=window.appearance.reduce_motion,
    )
    view.addAction(motion)
    help_menu = _add_menu(bar, message("&Help"))
    words = message("Words and keys…")
    help_menu.addAction(window.actions_registry.add("help", words, window.show_help, "F1"))


def _add_menu(parent: QMenu | QMenuBar, words: Message) -> QMenu:
    menu = parent.addMenu("")
    spoken(menu.setTitle, words)
    return menu


def _show_panel(title: Message) -> str:
    return show_panel(tr(title))


def _fill_rack(window: CommandedWindow, menu: QMenu) -> None:
    registry = window.actions_registry
    _fill_texts(window, menu)
    menu.addSeparator()
    plan = window.map.replan.click
    menu.addAction(registry.add("replan", message("Re-plan"), plan, "Ctrl+P"))
    deployment = window.map.deployment
    apply = message("Apply assignment")
    menu.addAction(registry.add("apply", apply, deployment.apply, "Ctrl+Shift+A"))
    stop = message("Cancel the deployment")
    menu.addAction(registry.add("cancel-apply", stop, deployment.cancel))
    compare = message("Compare plans…")
    menu.addAction(registry.add("compare", compare, window.show_comparison))
    conditions = message("Conditions of every plan…")
    menu.addAction(registry.add("conditions", conditions, window.show_conditions))
    menu.addMenu(ModelsMenu(window.link, menu))
    models = message("Models…")
    menu.addAction(registry.add("models", models, window.show_models, "Ctrl+M"))
    menu.addSeparator()
    connect = message("Connect a phone…")
    menu.addAction(registry.add("connect", connect, window.show_connect))
    verify = message("Verify the ledger…")
    menu.addAction(registry.add("verify-ledger", verify, window.ledger.foot.verify))
    save = message("Save the journal…")
    menu.addAction(registry.add("save-journal", save, window.ledger.foot.ask_where))
    menu.addSeparator()
    serve = message("Serve over HTTP…")
    menu.addAction(registry.add("serve", serve, window.show_serving))
    find = message("Filter devices")
    menu.addAction(registry.add("filter", find, partial(_filter_devices, window), "/"))
    keep = registry.add_switch(
        "keep-talks",
        message("Keep texts and conversations over restarts"),
        window.kept_talks.set_kept,
        on=window.settings.keep_talks,
    )
    menu.addAction(keep)
    demo = registry.add_switch(
        "demo",
        message("Start the demo prompt by itself"),
        window.set_start_demo,
        on=window.settings.start_demo,
    )
    menu.addAction(demo)
    menu.addSeparator()
    menu.addAction(registry.add("quit", message("Quit"), window.close, "Ctrl+Q"))


def _fill_texts(window: CommandedWindow, menu: QMenu) -> None:
    registry = window.actions_registry
    generate = message("Generate")
    menu.addAction(registry.add("generate", generate, window.playground.start, "Ctrl+Return"))
    stop = message("Cancel the text that is shown")
    menu.addAction(registry.add("stop", stop, window.playground.stop, "Ctrl+."))
    chat = message("New conversation")
    menu.addAction(
        registry.add("conversation", chat, window.playground.begin_conversation, "Ctrl+N")
    )
    for name, words, by, keys in (
        ("next-text", message("Next text"), 1, "Ctrl+PgDown"),
        ("previous-text", message("Previous text"), -1, "Ctrl+PgUp"),
    ):
        menu.addAction(registry.add(name, words, partial(window.playground.step, by), keys))
    talk_actions = window.playground.talk_actions
    for name, words, act, keys in (
        ("rename-text", message("Rename the text…"), talk_actions.rename_shown, "F2"),
        ("save-text", message("Save the text…"), talk_actions.save_shown, "Ctrl+S"),
        ("talks", message("Texts and conversations…"), window.playground.list_talks, "Ctrl+L"),
        ("several", message("Ask several prompts…"), window.playground.ask_several, ""),
    ):
        menu.addAction(registry.add(name, words, act, keys))


def _filter_devices(window: CommandedWindow) -> None:
    window.docks["devices"].show()
    window.docks["devices"].raise_()
    window.devices.focus_filter()


def _fill_edit(window: CommandedWindow, menu: QMenu) -> None:
    registry = window.actions_registry
    stack = window.editor.undo_stack
    undo, redo = StepAction(menu, undo_text), StepAction(menu, redo_text)
    undo.triggered.connect(stack.undo)
    redo.triggered.connect(stack.redo)
    stack.canUndoChanged.connect(undo.setEnabled)
    stack.canRedoChanged.connect(redo.setEnabled)
    stack.undoTextChanged.connect(undo.show_step)
    stack.redoTextChanged.connect(redo.show_step)
    menu.addAction(registry.adopt("undo", undo, "Ctrl+Z"))
    menu.addAction(registry.adopt("redo", redo, "Ctrl+Shift+Z"))
    menu.addSeparator()
    find = message("Find a command…")
    menu.addAction(registry.add("palette", find, window.show_palette, "Ctrl+K :"))


def _layout_word(layout: Layout) -> Message:
    match layout:
        case Layout.OPERATOR:
            return message("Operator layout")
        case Layout.PRESENTER:
            return message("Presenter layout")
        case Layout.TESTER:
            return message("Tester layout")
        case _:
            assert_never(layout)


def _fill_layouts(window: CommandedWindow, menu: QMenu) -> None:
    registry = window.actions_registry
    group = QActionGroup(menu)
    for number, layout in enumerate(Layout, start=1):
        action = registry.add(
            f"layout-{layout}",
            _layout_word(layout),
            partial(window.use_layout, layout),
            f"Ctrl+{number}",
        )
        action.setCheckable(True)
        group.addAction(action)
        menu.addAction(action)
    reset = message("Reset layout")
    menu.addAction(registry.add("layout-reset", reset, window.reset_layout))


def _fill_docks(window: CommandedWindow, menu: QMenu) -> None:
    for name, dock in window.docks.items():
        words = partial(_show_panel, dock.title)
        action = window.actions_registry.add(f"dock-{name}", words, dock.toggle)
        action.setCheckable(True)
        dock.visibilityChanged.connect(action.setChecked)
        menu.addAction(action)


def _fill_devices(window: CommandedWindow, menu: QMenu) -> None:
    registry, devices = window.actions_registry, window.devices
    for view in DeviceView:
        show = partial(_show_devices, window, view)
        menu.addAction(registry.add(f"devices-{view}", view_word(view), show))
    words = message("Open the page of the phone that is selected")
    menu.addAction(registry.add("phone-page", words, devices.open_current, "Ctrl+I"))
    words = message("What can be done with the phones that are selected")
    menu.addAction(registry.add("phone-menu", words, devices.open_menu, "Ctrl+Shift+I"))


def _show_devices(window: CommandedWindow, view: DeviceView) -> None:
    window.docks["devices"].show()
    window.docks["devices"].raise_()
    window.devices.show_as(view)


def _fill_theme(window: CommandedWindow, menu: QMenu) -> None:
    registry = window.actions_registry
    group = QActionGroup(menu)
    words = {
        "system": message("Theme of the system"),
        "dark": message("Dark theme"),
        "light": message("Light theme"),
        "contrast": message("High contrast theme"),
    }
    for theme, text in words.items():
        action = registry.add(f"theme-{theme}", text, partial(window.appearance.set_theme, theme))
        action.setCheckable(True)
        action.setChecked(window.appearance.theme == theme)
        group.addAction(action)
        menu.addAction(action)


def _fill_languages(window: CommandedWindow, menu: QMenu) -> None:
    registry = window.actions_registry
    group = QActionGroup(menu)
    words: dict[str, Words] = {"system": message("Language of the system")}
    words |= {code: partial(str, name) for code, name in LANGUAGES.items()}
    for language, text in words.items():
        choose = partial(window.appearance.set_language, language)
        action = registry.add(f"language-{language}", text, choose)
        action.setCheckable(True)
        action.setChecked(window.appearance.language == language)
        group.addAction(action)
        menu.addAction(action)
