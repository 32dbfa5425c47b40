"""A command of the terminal in a process of its own: what it said, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from app.core.errors import reason_of
from app.core.facts import Fact
from app.words.catalogue import language_used, tr
from app.words.sentences import fact_text

_KILL_AFTER_MS: Final = 3000
_MOST_TOLD: Final = 1 << 20


class LedgerProcess(QObject):
    """Ends with the widget that it belongs to."""

    ended = Signal(bool, str)
    """Whether the command did what it should, and what it said."""

    def __init__(self, command: Sequence[str], parent: QObject, into: Path | None = None) -> None:
        """Begin at once; with a file what the command prints goes there, all or nothing."""
        super().__init__(parent)
        self._into = into
        self._draft = into.with_name(f".{into.name}.new") if into else None
        self._cancelled = False
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("LANGUAGE", language_used())
        self._process.setProcessEnvironment(environment)
        if self._draft is not None:
            self._process.setStandardOutputFile(str(self._draft))
        self._process.finished.connect(lambda status, _: self._end(status))
        self._process.errorOccurred.connect(self._failed)
        self._process.start(command[0], list(command[1:]))

    @property
    def running(self) -> bool:
        """Whether it still works."""
        return self._process.state() is not QProcess.ProcessState.NotRunning

    def cancel(self) -> None:
        """End it; `ended` follows."""
        self._cancelled = True
        self._process.terminate()
        QTimer.singleShot(_KILL_AFTER_MS, self._process, self._process.kill)

    def stop_at_once(self) -> None:
        """Leave no process behind, nor half a file: nobody waits for it any more."""
        self._process.blockSignals(True)
        if self.running:
            self._process.kill()
            self._process.waitForFinished(_KILL_AFTER_MS)
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)

    def _end(self, status: int) -> None:
        told = self._process.readAllStandardOutput() + self._process.readAllStandardError()
        words = bytes(told.data())[-_MOST_TOLD:].decode(errors="replace").strip()
        done = status == 0 and not self._cancelled
        if self._cancelled:
            words = tr("Cancelled.")
        if self._draft is not None and self._into is not None:
            try:
                self._draft.replace(self._into) if done else self._draft.unlink(missing_ok=True)
            except OSError as error:
                done, words = False, self._not_written(reason_of(error))
        self.ended.emit(done, words or ("" if done else tr("It ended without a word.")))

    def _failed(self, error: QProcess.ProcessError) -> None:
        """Say why it did not even begin: Qt tells so while whoever asked has not listened yet."""
        if error is QProcess.ProcessError.FailedToStart:
            words = self._process.errorString()
            words = self._not_written(words) if self._into else words
            QTimer.singleShot(0, self, lambda: self.ended.emit(False, words))

    def _not_written(self, reason: str | Fact) -> str:
        return fact_text(Fact("file.not_written", path=str(self._into), reason=reason))
