"""What was added before, and forgetting it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QPushButton

from app.ui.connect.page import Page, words_label
from app.ui.connect.remembered import RememberedPlaces
from app.ui.looks.spoken import said, spoken
from app.words.catalogue import message
from app.words.connect import place_words


class PlacesPage(Page):
    """A list, and a button for the place chosen in it."""

    def __init__(self, places: RememberedPlaces) -> None:
        super().__init__()
        self._places = places
        self.list = QListWidget()
        spoken(self.list.setAccessibleName, "Places added")
        self.empty = words_label(message("Nothing was added to this rack yet."))
        self.empty.setObjectName("muted")
        self.forget = QPushButton()
        spoken(self.forget.setText, "Forget")
        self._arrange()
        self.list.currentRowChanged.connect(lambda row: self.forget.setEnabled(row >= 0))
        self.forget.clicked.connect(self._press)
        places.changed.connect(self._show)
        said(self, "places", PlacesPage._show)

    def _show(self) -> None:
        self.list.clear()
        self.list.addItems([place_words(place) for place in self._places.places])
        self.list.setVisible(bool(self._places.places))
        self.empty.setVisible(not self._places.places)
        self.forget.setEnabled(False)

    def _press(self) -> None:
        self._places.forget(self._places.places[self.list.currentRow()])

    def _arrange(self) -> None:
        spoken(self.heading.setText, "Added before")
        note = words_label(
            message(
                "These join again whenever the window opens this rack, as soon as they answer."
                " The phones of a place that you forget stay until Shardloom ends."
            )
        )
        note.setObjectName("muted")
        self.column.addWidget(self.empty)
        self.column.addWidget(self.list, 1)
        self.column.addWidget(self.forget, 0, Qt.AlignmentFlag.AlignLeft)
        self.column.addStretch(0)
        self.column.addWidget(note)
