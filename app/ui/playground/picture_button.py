"""A button that lets a picture go with the prompt, and shows it small."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QImageReader, QPixmap
from PySide6.QtWidgets import QFileDialog, QToolButton

from app.core.conversation import MOST_PICTURE_BYTES
from app.core.errors import reason_of
from app.core.facts import Fact
from app.rack.snapshot import RackSnapshot
from app.ui.looks.spoken import spoken
from app.words.catalogue import tr
from app.words.sentences import fact_text

PREVIEW_PIXELS: Final = 28
_MOST_PIXELS: Final = 64_000_000
_PATTERNS: Final = "(*.png *.jpg *.jpeg *.webp *.gif *.bmp)"


class PictureButton(QToolButton):
    """Shown where the model sees; a second click takes the picture away again."""

    failed = Signal(str)
    """Why a file was not taken."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: tuple[bytes, ...] = ()
        """The files that go with the next prompt."""
        self.setIconSize(QSize(PREVIEW_PIXELS, PREVIEW_PIXELS))
        spoken(self.setAccessibleName, "Picture for the prompt")
        self.clicked.connect(self._toggle)
        self.take(())
        self.hide()

    def take(self, pictures: tuple[bytes, ...]) -> None:
        """Let these go with the next prompt, and show the first."""
        self.pictures = pictures
        shown = preview(pictures[0]) if pictures else None
        self.setIcon(QIcon() if shown is None else QIcon(QPixmap.fromImage(shown)))
        if pictures:
            spoken(self.setText, "Picture")
            spoken(self.setToolTip, "Click to take the picture away again.")
        else:
            spoken(self.setText, "Picture…")
            spoken(self.setToolTip, "Show the model a picture with the prompt.")
        style = Qt.ToolButtonStyle
        with_icon = style.ToolButtonIconOnly if shown is not None else style.ToolButtonTextOnly
        self.setToolButtonStyle(with_icon)

    def show_snapshot(self, snapshot: RackSnapshot | None) -> None:
        """Be there where the model on the rack sees."""
        sees = snapshot is not None and snapshot.model is not None and snapshot.model.sees
        self.setVisible(sees)
        if not sees and self.pictures:
            self.take(())

    def _toggle(self) -> None:
        if self.pictures:
            self.take(())
            return
        dialog = QFileDialog(self.window(), tr("Choose a picture"), "", _PATTERNS)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.choose)
        dialog.open()

    def choose(self, path: str) -> None:
        """Take a file; of one that cannot be read or is too large the window tells."""
        try:
            with Path(path).open("rb") as file:
                content = file.read(MOST_PICTURE_BYTES + 1)
        except OSError as error:
            told = Fact("picture.unreadable", path=path, reason=reason_of(error))
            self.failed.emit(fact_text(told))
            return
        if len(content) > MOST_PICTURE_BYTES:
            told = Fact("picture.file_too_large", most_mib=MOST_PICTURE_BYTES >> 20)
            self.failed.emit(fact_text(told))
            return
        self.take((content,))


def preview(content: bytes) -> QImage | None:
    """Return a picture made small while it is decoded; None where it cannot be read."""
    buffer = QBuffer()
    buffer.setData(QByteArray(content))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer)
    reader.setAutoTransform(True)
    size = reader.size()
    if not size.isValid() or size.width() * size.height() > _MOST_PIXELS:
        return None
    small = QSize(2 * PREVIEW_PIXELS, 2 * PREVIEW_PIXELS)
    reader.setScaledSize(size.scaled(small, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    return None if image.isNull() else image
