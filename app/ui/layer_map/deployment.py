"""Applying the requested assignment, and stopping that half-way."""

from __future__ import annotations

from concurrent.futures import Future

from PySide6.QtCore import QObject, Signal

from app.core.assignment import Assignment
from app.rack.commands import Apply
from app.rack.snapshot import Phase
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.rack_link import RackLink
from app.words.catalogue import tr


class Deployment(QObject):
    """One deployment at a time."""

    changed = Signal()

    def __init__(self, editor: AssignmentEditor, link: RackLink) -> None:
        super().__init__()
        self._editor = editor
        self._link = link
        self._future: Future[None] | None = None
        self._stopped: Assignment | None = None
        editor.changed.connect(self._announce)

    @property
    def can_apply(self) -> bool:
        """Whether something requested waits to be deployed."""
        return self._future is None and self._editor.dirty and not self._editor.previewing

    @property
    def can_cancel(self) -> bool:
        """Whether a deployment that was started here runs."""
        snapshot = self._link.snapshot
        deploying = snapshot is not None and snapshot.phase is Phase.DEPLOYING
        return self._future is not None and deploying

    @property
    def said(self) -> str:
        """One line about a deployment that was stopped, until something else is requested."""
        if self._stopped is None or self._stopped != self._editor.requested:
            return ""
        return tr("Stopped. The phones go on with the layers they had.")

    def apply(self) -> None:
        """Deploy what is requested, unless that runs already."""
        if not self.can_apply:
            return
        self._stopped = None
        self._future = self._link.submit(Apply(), lambda _: self._ended(), self._ended)
        self.changed.emit()

    def cancel(self) -> None:
        """Stop the deployment: the applied assignment stays."""
        if self._future is not None and self._future.cancel():
            self._stopped = self._editor.requested
            self.changed.emit()

    def _announce(self) -> None:
        self.changed.emit()

    def _ended(self) -> None:
        self._future = None
        self._link.refresh()
        self.changed.emit()
