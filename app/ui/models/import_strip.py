"""How far the import is: stage, bar, rate, time left and Cancel; how the last one ended."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.ui.looks.appearance import Appearance, colour_words
from app.ui.looks.spoken import said, spoken
from app.ui.models.importing import Importing
from app.words.pages.models import import_ended, import_progress, import_title

_STEPS = 1000


class ImportStrip(QWidget):
    """Hidden until there is something to tell."""

    def __init__(self, importing: Importing, appearance: Appearance) -> None:
        super().__init__()
        self._importing = importing
        self._appearance = appearance
        self.title = QLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        spoken(self.bar.setAccessibleName, "How far the import is")
        self.line = QLabel()
        self.line.setObjectName("muted")
        self.line.setWordWrap(True)
        self.cancel = QPushButton()
        spoken(self.cancel.setText, "Cancel")
        self.cancel.clicked.connect(importing.cancel)
        above = QHBoxLayout()
        above.addWidget(self.title, 1)
        above.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(above)
        layout.addWidget(self.bar)
        layout.addWidget(self.line)
        importing.changed.connect(self._show)
        said(self, "words", ImportStrip._show)

    def _show(self) -> None:
        job, outcome = self._importing.job, self._importing.outcome
        self.setVisible(job is not None or outcome is not None)
        self.bar.setVisible(job is not None)
        self.cancel.setVisible(job is not None)
        colour_words(self.title, self._appearance.tokens.text)
        if job is not None:
            progress = job.progress
            self.title.setText(import_title(job.name, job.form))
            self.bar.setRange(0, _STEPS if progress and progress.total else 0)
            if progress and progress.total:
                self.bar.setValue(round(_STEPS * progress.done / progress.total))
            self.line.setText(import_progress(progress) if progress else "")
        elif outcome is not None:
            succeeded, name, line = outcome
            tokens = self._appearance.tokens
            colour_words(self.title, tokens.good if succeeded else tokens.warn)
            self.title.setText(import_ended(name, succeeded=succeeded))
            self.line.setText(line)
        self.line.setVisible(bool(self.line.text()))
