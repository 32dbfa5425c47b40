"""The line below the ledger: how it stands, and what is done with all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QToolButton, QWidget

from app.core.facts import Fact
from app.ledger.views.snapshot import SlashRow
from app.ui.ledger.check_dialog import CheckDialog
from app.ui.ledger.desk import EXPORT_FORMS, LedgerDesk
from app.ui.ledger.ledger_process import LedgerProcess
from app.ui.looks.appearance import Appearance, tabular
from app.ui.looks.elided import ElidedLabel
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.catalogue import Message, message, tr
from app.words.sentences import fact_text
from app.words.window import journal_saved


class LedgerFoot(QWidget):
    """Verifying and saving go on in processes of their own."""

    saved = Signal(str)
    """One line that the journal was saved, for the log."""

    def __init__(self, link: RackLink, appearance: Appearance, desk: LedgerDesk) -> None:
        super().__init__()
        self._link, self._appearance, self._desk = link, appearance, desk
        self._saving: LedgerProcess | None = None
        self.head = ElidedLabel()
        self.head.setObjectName("muted")
        self.head.setFont(tabular(self.head.font(), scale=0.92))
        self.keeping = _small_button(
            message("Keep evidence…"),
            message("How long the files with proofs are kept."),
        )
        self.verify_button = _small_button(
            message("Verify…"), message("Replays all of it, and checks every signature.")
        )
        self.verify_button.clicked.connect(self.verify)
        self.save_button = _small_button(
            message("Save as…"), message("Every entry of the journal, in a file.")
        )
        self.save_button.clicked.connect(self.ask_where)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.head)
        layout.addStretch(1)
        layout.addWidget(self.keeping)
        layout.addWidget(self.verify_button)
        layout.addWidget(self.save_button)

    def verify(self) -> CheckDialog:
        """Replay all of the ledger in a process of its own, and say what came of it."""
        about = message(
            "The whole journal is replayed against this computer's key: chain, rules, amounts,"
            " signatures, and the evidence that is kept."
        )
        return self._check(message("Verify the ledger"), about, self._desk.verify_command())

    def verifier_of(self, slash: SlashRow) -> Callable[[], object] | None:
        """Return what judges the file again that a slash rests on; None where none is kept."""
        command = self._desk.evidence_command(slash.evidence)
        if not command:
            return None
        about = message(
            "The file that the slash rests on is judged again, by nothing but what stands in it."
        )
        return partial(self._check, message("Verify the evidence"), about, command)

    def _check(self, title: Message, about: Message, command: Sequence[str]) -> CheckDialog:
        dialog = CheckDialog(title, about, command, self._appearance, self.window())
        dialog.show()
        return dialog

    def ask_where(self) -> None:
        """Ask for a file, and save the whole journal there."""
        dialog = QFileDialog(self.window(), tr("Save the journal"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["*" + form for form in EXPORT_FORMS])
        dialog.selectFile("shardloom-journal.jsonl")
        dialog.fileSelected.connect(lambda path: self.save(Path(path)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Save the journal in the form that the file's name ends with; the window tells how."""
        form = EXPORT_FORMS.get(path.suffix.lower())
        if form is None:
            forms = tuple(EXPORT_FORMS)
            told = Fact("file.unknown_form", path=str(path), forms=forms)
            self._link.failed.emit(fact_text(told))
            return
        self.save_button.setEnabled(False)
        self._saving = LedgerProcess(self._desk.export_command(form), self, path)
        self._saving.ended.connect(partial(self._saved, path))

    def close_processes(self) -> None:
        """Leave no process behind: the window goes."""
        if self._saving is not None:
            self._saving.stop_at_once()
        for dialog in self.window().findChildren(CheckDialog):
            dialog.reject()

    def _saved(self, path: Path, done: bool, words: str) -> None:  # noqa: FBT001 - a Qt slot
        self.save_button.setEnabled(True)
        if self._saving is not None:
            self._saving.deleteLater()
            self._saving = None
        if done:
            self.saved.emit(journal_saved(str(path)))
        else:
            self._link.failed.emit(words)


def _small_button(words: Message, tip: Message) -> QToolButton:
    button = QToolButton()
    button.setObjectName("each")
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    spoken(button.setText, words)
    spoken(button.setToolTip, tip)
    return button
