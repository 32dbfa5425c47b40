# ruff: noqa: INP001 - a script, not a package
"""Take the pictures of the guide and of the README from the running window.

    python packaging/pictures.py [--language en|ja] [--only NAME]

The rack is of virtual phones, everything in the pictures happens: a text, a phone that lies, its
slash and the evidence. Without a display Qt draws off the screen; the pictures are the same.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.core.audit_outcome import CheckMode
from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.rack.commands import Ask, Inject, SetChecks
from app.rack.options import DEMO_PROMPT, RackOptions
from app.rack.snapshot import Phase, RequestState
from app.ui.application import run
from app.ui.devices.device_views import DeviceView
from app.ui.playground.sampling_button import DEMO_SAMPLING
from app.ui.window.layout_names import Layout

if TYPE_CHECKING:
    from app.rack.service import RackService
    from app.ui.window.main_window import MainWindow

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, HEIGHT = 1440, 900
_CARDS_WIDTH = 480
_COLOURS = 256
LOOK_MS, SETTLE_MS, LIMIT_MS = 200, 1500, 240_000


@dataclass(frozen=True)
class Picture:
    """One picture: what is done before, when it can be taken, and of what."""

    name: str
    prepare: Callable[[], object]
    ready: Callable[[], bool]
    shown: Callable[[], QWidget]


class Photographer(QObject):
    """Takes one picture after the other, then closes the window."""

    def __init__(self, window: MainWindow, folder: Path, ending: str, only: str) -> None:
        super().__init__(window)
        self._window, self._folder, self._ending = window, folder, ending
        self._pictures: Iterator[Picture] = iter(
            each for each in self._every() if only in ("", each.name)
        )
        self._now: Picture | None = None
        window.resize(WIDTH, HEIGHT)
        timer = QTimer(self, interval=LOOK_MS)
        timer.timeout.connect(self._look)
        timer.start()
        QTimer.singleShot(LIMIT_MS, window, window.close)

    def _look(self) -> None:
        if self._now is None:
            self._now = next(self._pictures, None)
            if self._now is None:
                self._end()
                return
            self._now.prepare()
        elif self._now.ready():
            taken, self._now = self._now, Picture("", _nothing, lambda: False, self._whole)
            QTimer.singleShot(SETTLE_MS, self, lambda: self._take(taken))

    def _end(self) -> None:
        """Stop what still runs, then close the window."""
        snapshot = self._window.link.snapshot
        if snapshot is None or all(each.state.ended for each in snapshot.requests):
            self._window.close()
        else:
            self._window.playground.stop()

    def _take(self, picture: Picture) -> None:
        image = small(picture.shown().grab().toImage())
        image.save(str(self._folder / f"{picture.name}{self._ending}.png"))
        print(picture.name, flush=True)  # noqa: T201 - whoever waits sees how far it is
        self._now = None

    def _every(self) -> Iterator[Picture]:
        link = self._window.link
        yield Picture("operator", _nothing, lambda: self._ended(1), self._whole)
        yield Picture("phone", self._open_page, lambda: True, self._dialog)
        yield Picture("cards", self._show_cards, lambda: True, self._whole)
        yield Picture("tester", self._lie, self._slashed, self._whole)
        yield Picture("evidence", self._open_evidence, lambda: True, self._dialog)
        yield Picture("presenter", self._present, lambda: link.snapshot is not None, self._whole)

    def _whole(self) -> QWidget:
        return self._window

    def _dialog(self) -> QWidget:
        return self._opened

    def _ended(self, count: int) -> bool:
        snapshot = self._window.link.snapshot
        requests = snapshot.requests if snapshot else ()
        return sum(each.state is RequestState.SETTLED for each in requests) >= count

    def _open_page(self) -> None:
        devices = self._window.devices
        self._opened: QWidget = devices.open_page(devices.model.rows[0])

    def _show_cards(self) -> None:
        self._opened.close()
        self._window.devices.show_as(DeviceView.CARDS)
        devices = [self._window.docks["devices"]]
        self._window.resizeDocks(devices, [_CARDS_WIDTH], Qt.Orientation.Horizontal)

    def _lie(self) -> None:
        window = self._window
        window.devices.show_as(DeviceView.ROWS)
        window.use_layout(Layout.TESTER)
        window.ledger.tabs.setCurrentWidget(window.ledger.slashing)
        liar = window.devices.model.rows[1].serial
        window.link.submit(SetChecks(1.0, CheckMode.OFF))
        fault = Inject(Fault(FaultKind.WRONG_OUTPUT, liar, 5))
        window.link.submit(fault, lambda _: self._ask(80))

    def _slashed(self) -> bool:
        snapshot = self._window.link.snapshot
        slashed = bool(snapshot and snapshot.ledger and snapshot.ledger.slashes)
        return slashed and snapshot is not None and snapshot.phase is Phase.READY

    def _open_evidence(self) -> None:
        slashing = self._window.ledger.slashing
        self._opened = self._window.ledger.open_evidence(slashing.rows.index(0, 0))

    def _present(self) -> None:
        self._opened.close()
        self._window.use_layout(Layout.PRESENTER)
        self._ask(200)

    def _ask(self, tokens: int) -> None:
        self._window.link.submit(Ask(Complete(DEMO_PROMPT), tokens, DEMO_SAMPLING))


def small(image: QImage) -> QImage:
    """Return a picture in the 256 colours that it has most of; the others become the nearest."""
    pixels = np.frombuffer(image.convertToFormat(QImage.Format.Format_RGB32).constBits(), np.uint32)
    colours, counts = np.unique(pixels, return_counts=True)
    table = [int(each) for each in colours[np.argsort(counts)[::-1][:_COLOURS]]]
    flat = Qt.ImageConversionFlag.AvoidDither | Qt.ImageConversionFlag.ThresholdDither
    return image.convertToFormat(QImage.Format.Format_Indexed8, table, flat)


def _nothing() -> None:
    """Need no preparation."""


def main() -> int:
    """Take the pictures; returns the exit status of the window."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--language", choices=("en", "ja"), default="en")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--only", default="", help="take this picture alone")
    parser.add_argument("--folder", type=Path, default=DOCS / "guide" / "pictures")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    ending = "" if arguments.language == "en" else f".{arguments.language}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name)
        (home / "window.ini").write_text(f"[appearance]\ntheme={arguments.theme}\n")
        options = RackOptions(home=home, rack="virtual:4", beside_a_window=True)

        def open_control() -> RackService:
            from app.rack.service import open_rack  # noqa: PLC0415 - loads after the first paint

            return open_rack(options)

        return run(
            open_control,
            home / "window.ini",
            accompany=lambda window: Photographer(window, arguments.folder, ending, arguments.only),
            rack="virtual:4",
            language=arguments.language,
        )


if __name__ == "__main__":
    raise SystemExit(main())
