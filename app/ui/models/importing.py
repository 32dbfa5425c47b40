"""The import under way, which goes on while its dialog is closed."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.ui.models.desk import ModelDesk
from app.ui.models.import_job import ImportJob


class Importing(QObject):
    """One import at a time: each takes the disk and a processor to itself."""

    changed = Signal()
    imported = Signal(str)
    """The name by which it was asked for."""

    def __init__(self, desk: ModelDesk | None, parent: QObject) -> None:
        super().__init__(parent)
        self.desk = desk
        self.job: ImportJob | None = None
        self.outcome: tuple[bool, str, str] | None = None
        """How the last one ended: whether the model is here, its name and a line."""

    @property
    def running(self) -> bool:
        """Whether one is under way."""
        return self.job is not None

    def start(self, name: str, form: str, cache: str) -> None:
        """Begin one, unless another is under way."""
        if self.desk is None or self.job is not None:
            return
        self.outcome = None
        self.job = ImportJob(name, form, self.desk.import_command(name, form, cache), self)
        self.job.progressed.connect(lambda _: self.changed.emit())
        self.job.ended.connect(self._end)
        self.changed.emit()

    def cancel(self) -> None:
        """End the one under way; what came stays."""
        if self.job is not None:
            self.job.cancel()

    def close(self) -> None:
        """Leave no process behind."""
        if self.job is not None:
            self.job.stop_at_once()

    def _end(self, succeeded: bool, line: str) -> None:  # noqa: FBT001 - a Qt slot
        job, self.job = self.job, None
        if job is None:
            return
        self.outcome = (succeeded, job.name, line)
        job.deleteLater()
        self.changed.emit()
        if succeeded:
            self.imported.emit(job.name)
