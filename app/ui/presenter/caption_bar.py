"""What a scene tells, in letters that can be read from afar; below everything else."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.ui.looks.appearance import tabular
from app.ui.looks.spoken import said, spoken
from app.ui.presenter.player import ScenePlayer

CAPTION_SCALE = 2.0
_STYLE = "background: #000000; color: #ffffff;"


class CaptionBar(QWidget):
    """White on black in every theme."""

    def __init__(self, player: ScenePlayer) -> None:
        super().__init__()
        self._player = player
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(_STYLE)
        self.words, self.place = QLabel(), QLabel()
        self.words.setWordWrap(True)
        self.words.setFont(tabular(self.font(), scale=CAPTION_SCALE, bold=True))
        self.words.setMinimumHeight(self.words.fontMetrics().lineSpacing() * 2)
        self.place.setFont(tabular(self.font(), scale=1.2))
        spoken(self.words.setAccessibleName, "What the scene tells")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(24, 8, 24, 8)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.place)
        player.changed.connect(self._show)
        said(self, "caption", CaptionBar._show)

    def _show(self) -> None:
        shown, steps = self._player.place
        self.words.setText(self._player.caption)
        self.place.setText(f"{shown} / {steps}" if steps else "")
