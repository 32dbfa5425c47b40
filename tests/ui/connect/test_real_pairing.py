"""Two virtual phones are paired by clicks in the real window, on a real rack and X server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TIME_LIMIT_S = 150
PROGRAM = """
import socket, sys, traceback
from pathlib import Path
from PySide6.QtCore import QTimer, Qt
from PySide6.QtTest import QTest
from tests.integration.devices.rack import persona, running
from app.virtual import rack as virtual_rack
from app.devices.discovery import pairer
from app.rack.options import RackOptions
from app.rack.service import open_rack
from app.rack.snapshot import Phase
from app.ui import application
from app.ui.connect import qr_page
from app.ui.connect.dialog import ConnectDialog
from app.ui.window.main_window import MainWindow
from app.ui.window.notices import Notice

# what is only slow, on a crowded machine, is given up by nobody here
pairer.ADVERTISED_WITHIN_S = pairer.ANSWER_TIMEOUT_S = virtual_rack._ANSWER_TIMEOUT_S = 60.0

home = Path(sys.argv[1])
requests = []
ask = qr_page.new_request
qr_page.new_request = lambda: requests.append(ask()) or requests[-1]

def click(widget, place=None):
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place or widget.rect().center())

def window():
    return next(w for w in application.QApplication.topLevelWidgets() if isinstance(w, MainWindow))

def script(phones):
    while (notice := window().findChild(Notice)) is None or not notice.connect_button.isVisible():
        yield
    click(notice.connect_button)
    while (dialog := window().findChild(ConnectDialog)) is None or not dialog.qr.code.readable:
        yield
    phones.scan("SCANNED-1", requests[-1].text)
    while "is in the rack" not in dialog.qr.status.words.text():
        yield
    print(dialog.qr.status.words.text(), flush=True)
    code, port = phones.open_pairing("CODED-2")
    way = dialog.ways.visualItemRect(dialog.ways.item(1)).center()
    click(dialog.ways.viewport(), way)
    found, address = dialog.code.found, f"127.0.0.1:{port}"
    while address not in (addresses := [row.address for row in found.rows.rows]):
        yield  # other programs' phones may show codes too
    place = found.visualRect(found.rows.index(addresses.index(address), 0)).center()
    while dialog.code.address.text() != address:
        click(found.viewport(), place)
        yield
    click(dialog.code.code)
    QTest.keyClicks(dialog.code.code, code)
    click(dialog.code.pair)
    while "is in the rack and ready" not in dialog.code.status.words.text():
        yield
    print(dialog.code.status.words.text(), flush=True)
    while window().link.snapshot.phase not in (Phase.READY, Phase.RUNNING):
        yield
    print("the rack works", flush=True)
    dialog.close()
    window().close()

def play(app, steps):
    def turn():
        try:
            next(steps, None)
        except Exception:
            traceback.print_exc()
            app.exit(1)

    timer = QTimer(interval=50)
    timer.timeout.connect(turn)
    timer.start()
    return timer

silent = socket.socket()
silent.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
personas = [persona(name, wireless=True, name=name) for name in ("SCANNED-1", "CODED-2")]
with running(personas, home) as phones:
    app = application._application()
    timer = play(app, script(phones))
    rack = f"server:127.0.0.1:{silent.getsockname()[1]}"
    options = RackOptions(home=home / "home", rack=rack, patience=5.0)
    status = application.run(lambda: open_rack(options), home / "window.ini")
sys.exit(status)
"""


def test_phones_are_paired_by_qr_code_and_by_digits_in_the_real_window(
    display: str, tmp_path: Path
) -> None:
    (tmp_path / "user").mkdir()
    environment = {
        **os.environ,
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "HOME": str(tmp_path / "user"),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    first, second, last = ended.stdout.strip().splitlines()[-3:]
    assert first.startswith("SCANNED-1 is in the rack")
    assert second == "CODED-2 is in the rack and ready. Re-plan gives it layers."
    assert last == "the rack works"
