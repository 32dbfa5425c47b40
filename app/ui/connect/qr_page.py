"""Pairing by QR code: the phone reads it, everything else goes by itself."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from app.rack.commands.pairing import PairByQr
from app.rack.pairing import PairedPhone, PairingStep, new_request
from app.ui.connect.page import Page, steps_label
from app.ui.connect.qr_code import QrCode
from app.ui.connect.status_line import StatusLine
from app.ui.looks.appearance import Appearance
from app.ui.looks.marks import Mark
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.catalogue import message, tr
from app.words.connect import paired_words, step_words


class QrPage(Page):
    """Waits for a phone as long as it is shown; a code counts for one phone."""

    def __init__(self, link: RackLink, appearance: Appearance) -> None:
        super().__init__()
        self._link = link
        self._pairing: Future[PairedPhone] | None = None
        self._attempt = 0
        self.code = QrCode()
        self.status = StatusLine(link, appearance)
        self.button = QPushButton()
        self.button.clicked.connect(self._press)
        self._arrange()

    def begin(self) -> None:
        """Show a new code and wait for a phone that reads it."""
        self.end()
        self._attempt += 1
        request, tell = new_request(), partial(self._tell, self._attempt)
        self.code.show_text(request.text)
        self.status.say(tr("Getting ready…"), Mark.WAITING)
        spoken(self.button.setText, "Cancel")
        self._pairing = self._link.ask(
            PairByQr(request, tell),
            partial(self._paired, self._attempt),
            partial(self._failed, self._attempt),
        )

    def end(self) -> None:
        """Wait for no phone any more."""
        self._attempt += 1
        pairing, self._pairing = self._pairing, None
        if pairing is not None:
            pairing.cancel()
        self._rest()

    def _press(self) -> None:
        if self._pairing is None:
            self.begin()
            return
        self.end()
        self.status.say(tr("Cancelled. The code counts no more."), Mark.WAITING)

    def _tell(self, attempt: int, step: PairingStep) -> None:
        """Take a step on the rack's thread to this one."""
        self._link.deliver(partial(self._show_step, attempt, step))

    def _show_step(self, attempt: int, step: PairingStep) -> None:
        if attempt == self._attempt:
            self.code.set_readable(readable=step is PairingStep.READING)
            mark = Mark.WAITING if step is PairingStep.READING else Mark.WORKING
            self.status.say(step_words(step), mark)

    def _paired(self, attempt: int, phone: PairedPhone) -> None:
        if attempt != self._attempt:
            return
        self._rest()
        if phone.serial is None:
            self.status.say(paired_words(phone), Mark.FAULT)
        else:
            self.status.follow(phone.serial, paired_words(phone))

    def _failed(self, attempt: int, line: str) -> None:
        if attempt == self._attempt:
            self._rest()
            self.status.say(line, Mark.LOST)

    def _rest(self) -> None:
        self._pairing = None
        self.code.set_readable(readable=False)
        spoken(self.button.setText, "New code")

    def _arrange(self) -> None:
        spoken(self.heading.setText, "Pair by QR code")
        steps = steps_label(
            message(
                "On the phone open <b>Settings &gt; System &gt; Developer options &gt; Wireless"
                " debugging</b> and switch it on."
            ),
            message("Tap <b>Pair device with QR code</b>."),
            message(
                "Point the phone at this code. It is paired, connected and joins the rack by"
                " itself."
            ),
        )
        right = QVBoxLayout()
        right.addWidget(steps)
        right.addStretch(1)
        right.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(self.code)
        row.addLayout(right, 1)
        self.column.addLayout(row)
        self.column.addWidget(self.status)
        self.column.addStretch(1)
