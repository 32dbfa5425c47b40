"""One import in a process of its own: how far it is, how fast, and its end."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, QObject, QProcess, QProcessEnvironment, QTimer, Signal

from app.words.catalogue import language_used, tr

KILL_AFTER_MS = 3000
"""An import that is cancelled has so long to end what it started; longer than an exporter has."""
_CLOSE_MS = 1500
"""The same where the window closes and waits for it."""
_RATE_WINDOW_S = 8.0
_LONGEST_LINE = 64 * 1024


@dataclass(frozen=True)
class ImportProgress:
    """How far an import is."""

    stage: str
    done: int
    total: int
    in_bytes: bool
    per_second: float | None = None
    """Over the last seconds; None until two points are known."""

    @property
    def left_s(self) -> float | None:
        """How long this stage takes at that rate."""
        return (self.total - self.done) / self.per_second if self.per_second else None


class RateMeter:
    """The rate over the last seconds of one stage. Qt-free."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()
        self._stage = ""

    def measure(self, stage: str, done: int, now_s: float) -> float | None:
        """Note a point and return the rate; None for a first one."""
        if stage != self._stage or (self._points and done < self._points[-1][1]):
            self._points.clear()
            self._stage = stage
        self._points.append((now_s, done))
        while len(self._points) > 2 and now_s - self._points[0][0] > _RATE_WINDOW_S:
            self._points.popleft()
        (first_s, first), (last_s, last) = self._points[0], self._points[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else None


class ImportJob(QObject):
    """What came stays where it is cancelled: the same import goes on with it."""

    progressed = Signal(object)
    """An `ImportProgress`."""
    ended = Signal(bool, str)
    """Whether the model is here, and a line: its harm, or why it is not."""

    def __init__(self, name: str, form: str, command: Sequence[str], parent: QObject) -> None:
        super().__init__(parent)
        self.name, self.form = name, form
        self.progress: ImportProgress | None = None
        self._meter = RateMeter()
        self._told = self._errors = b""
        self._result: str | None = None
        self._cancelled = False
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("LANGUAGE", language_used())
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.finished.connect(lambda *_: self._end())
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
        QTimer.singleShot(KILL_AFTER_MS, self._process, self._process.kill)

    def stop_at_once(self) -> None:
        """Leave no process behind, nor one that it started: the window closes."""
        self._process.blockSignals(True)
        self._process.terminate()
        if self.running and not self._process.waitForFinished(_CLOSE_MS):
            self._process.kill()
            self._process.waitForFinished(KILL_AFTER_MS)

    def _read(self) -> None:
        self._told += _bytes(self._process.readAllStandardOutput())
        *lines, self._told = self._told.split(b"\n")
        self._told = self._told[-_LONGEST_LINE:]
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            return
        if isinstance(told, dict) and "model" in told:
            self._result = str(told.get("harm") or "")
        elif isinstance(told, dict) and {"stage", "done", "total"} <= told.keys():
            stage, done, total = str(told["stage"]), int(told["done"]), int(told["total"])
            rate = self._meter.measure(stage, done, time.monotonic())
            in_bytes = told.get("unit") == "bytes"
            self.progress = ImportProgress(stage, done, total, in_bytes, rate)
            self.progressed.emit(self.progress)

    def _read_errors(self) -> None:
        told = self._errors + _bytes(self._process.readAllStandardError())
        self._errors = told[-_LONGEST_LINE:]

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self.ended.emit(False, self._process.errorString())

    def _end(self) -> None:
        self._read()
        self._read_errors()
        if self._result is not None:
            self.ended.emit(True, self._result)
        elif self._cancelled:
            self.ended.emit(False, tr("Cancelled. The same import goes on where this one ended."))
        else:
            lines = self._errors.decode(errors="replace").strip().splitlines()
            self.ended.emit(False, lines[-1] if lines else tr("It ended without a word."))


def _bytes(data: QByteArray) -> bytes:
    return bytes(data.data())
