"""The window as a stage: full screen, scenes in the menu, a remote that leads through them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu, QToolBar

from app.core.errors import BadInputError
from app.ui.looks.spoken import spoken
from app.ui.presenter.caption_bar import CaptionBar
from app.ui.presenter.player import ScenePlayer
from app.ui.presenter.scenes import Scene, said, scene_named, scene_names
from app.ui.window.main_window import MainWindow
from app.words.catalogue import message
from app.words.sentences import error_text
from app.words.states import mask_serials

FORWARD = ("Right", "PgDown", "Down")
BACK = ("Left", "PgUp", "Up")
"""What arrow keys and a clicker send."""


class PresenterStage(QObject):
    """Joins a window to a player. Serials are masked while it is full screen."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.player = ScenePlayer(window.link, self)
        self.captions = CaptionBar(self.player)
        self._remote = [self._key(key, 1) for key in FORWARD] + [self._key(key, -1) for key in BACK]
        self._escape = QShortcut(QKeySequence("Esc"), window, self.leave)
        self._add_bar()
        self._fill_menu()
        self.player.changed.connect(self._follow)
        self._follow()

    def play(self, scene: Scene) -> None:
        """Play a scene in its layout."""
        self._window.use_layout(scene.layout)
        self._window.playground.follow_newest()
        self.player.play(scene)

    def toggle(self) -> None:
        """Fill the screen, or leave it."""
        if self._window.isFullScreen():
            self.leave()
            return
        mask_serials(masked=True)
        self._window.menuBar().hide()
        self._window.showFullScreen()
        self._follow()

    def leave(self) -> None:
        """Leave the full screen; there it ends the scene."""
        if self._window.isFullScreen():
            mask_serials(masked=False)
            self._window.menuBar().show()
            self._window.showNormal()
        else:
            self.player.stop()
        self._follow()

    def _key(self, key: str, by: int) -> QShortcut:
        return QShortcut(QKeySequence(key), self._window, partial(self.player.step, by))

    def _follow(self) -> None:
        """Leave the keys to the panels while there is nothing to lead through."""
        plays = self.player.scene is not None
        for shortcut in self._remote:
            shortcut.setEnabled(plays)
        self._escape.setEnabled(plays or self._window.isFullScreen())
        self.bar.setVisible(plays)

    def _add_bar(self) -> None:
        self.bar = QToolBar()
        self.bar.setObjectName("captions")
        self.bar.setMovable(False)
        self.bar.toggleViewAction().setVisible(False)
        self.bar.addWidget(self.captions)
        self._window.addToolBar(Qt.ToolBarArea.BottomToolBarArea, self.bar)

    def _fill_menu(self) -> None:
        registry, bar = self._window.actions_registry, self._window.menuBar()
        menu = QMenu(bar)
        spoken(menu.setTitle, message("&Scenes"))
        bar.insertMenu(bar.actions()[-1], menu)
        menu.addAction(registry.add("stage", message("Full screen"), self.toggle, "F11"))
        menu.addAction(registry.add("scene-stop", message("End the scene"), self.player.stop))
        menu.addSeparator()
        for name in scene_names():
            try:
                scene = scene_named(name)
            except BadInputError as error:
                self._window.link.failed.emit(error_text(error))
                continue
            title = partial(said, scene.title)
            menu.addAction(registry.add(f"scene-{name}", title, partial(self.play, scene)))
