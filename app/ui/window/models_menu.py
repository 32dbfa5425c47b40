"""The menu of imported models; choosing one puts it on the rack."""

from __future__ import annotations

from functools import partial

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.rack.commands import UseModel
from app.rack.snapshot import ModelChoice
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.sentences import fact_text
from app.words.window import model_choice


class ModelsMenu(QMenu):
    """Filled when it opens; the model on the rack is checked."""

    def __init__(self, link: RackLink, parent: QWidget) -> None:
        super().__init__(parent)
        self._link = link
        spoken(self.setTitle, "Model")
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List the models there are now."""
        self.clear()
        models = self._link.models()
        group = QActionGroup(self)
        for model in models:
            self._add(model, group)
        if not models:
            self.addAction(tr("The models appear once the rack is open.")).setEnabled(False)
            return

    def _add(self, model: ModelChoice, group: QActionGroup) -> None:
        action = self.addAction(model_choice(model))
        stops = tr("Text that is being written stops when the model changes.")
        action.setToolTip(f"{fact_text(model.harm)}\n{stops}" if model.harm else stops)
        action.setCheckable(True)
        action.setChecked(self._is_current(model))
        group.addAction(action)
        action.triggered.connect(partial(self._use, model))

    def _is_current(self, model: ModelChoice) -> bool:
        snapshot = self._link.snapshot
        current = snapshot.model if snapshot else None
        return current is not None and current.name == model.name

    def _use(self, model: ModelChoice) -> None:
        if not self._is_current(model):
            self._link.submit(UseModel(model.name))
