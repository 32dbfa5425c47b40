"""How to connect a phone, told plainly."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget


class ConnectDialog(QDialog):
    """Steps for a USB phone, and what this version does with it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Connect a phone"))
        words = QLabel(
            self.tr(
                "<ol>"
                "<li>On the phone, open Settings, About phone, and tap <b>Build number</b> "
                "seven times.</li>"
                "<li>In Settings, System, Developer options, switch on <b>USB debugging</b>.</li>"
                "<li>Plug the phone into this computer and accept the question on its "
                "screen.</li>"
                "<li>Start Google's adb server with <b>adb start-server</b>; "
                "<b>adb devices</b> must list the phone.</li>"
                "<li>Start Shardloom again: it uses the phones behind the adb server when it "
                "finds any.</li>"
                "</ol>"
                "<p>Without a cable (Android 11 and later): in Developer options switch on "
                "<b>Wireless debugging</b>, type <b>shardloom pair --qr</b> in a terminal, let the "
                "phone read the code, then open the rack <b>wifi</b>.</p>"
                "<p>This version has been tried on virtual phones only, not on real ones.</p>"
            )
        )
        words.setTextFormat(Qt.TextFormat.RichText)
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignTop)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 12, 20, 16)
        layout.addWidget(words, 1)
        layout.addWidget(buttons)
        self.resize(560, 300)
