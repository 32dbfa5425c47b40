"""`shardloom pair` against virtual phones, found by their advertisements on loopback."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.command_line.commands import pair as command
from app.command_line.dispatch import run_command
from app.command_line.output.qr_drawing import qr_lines
from app.devices.wireless.network_browser import NetworkBrowser
from app.devices.wireless.paired_phones import PairedPhones
from app.devices.wireless.qr_text import new_request, read_qr_text
from app.devices.wireless.service_types import ServiceType
from app.virtual.rack import VirtualRack
from tests.integration.devices.rack import persona, running, until

pytestmark = pytest.mark.usefixtures("patient")
QUIET_ZONE_MODULES = 4
"""Of ISO/IEC 18004."""
LOOPBACK = ("--interface", "127.0.0.1")
SERIAL = "PAIR-1"


@pytest.fixture
def rack(tmp_path: Path) -> Iterator[VirtualRack]:
    with running([persona(SERIAL, wireless=True)], tmp_path) as rack:
        yield rack


@pytest.fixture(autouse=True)
def _own_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))


def shardloom_pair(home: Path, *arguments: str) -> int:
    return run_command(["pair", "--home", str(home), *LOOPBACK, "--json", *arguments])


def test_a_code_pairs_connects_and_is_remembered(
    rack: VirtualRack, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, port = rack.open_pairing(SERIAL)
    assert shardloom_pair(home, f"127.0.0.1:{port}", code) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["serial"], told["address"]) == (SERIAL, rack.addresses[0])
    assert PairedPhones(home / "keys").addresses() == {told["paired"]: rack.addresses[0]}
    for name in ("adbkey", "paired.json"):
        assert stat.S_IMODE((home / "keys" / name).stat().st_mode) == 0o600


def test_a_phone_that_reads_the_qr_code_is_paired_and_connected(
    rack: VirtualRack,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = new_request()
    monkeypatch.setattr(command, "new_request", lambda: request)
    phone = threading.Timer(0.2, rack.scan, (SERIAL, request.text))
    phone.start()
    assert shardloom_pair(home, "--qr", "--timeout", "60") == 0
    phone.join()
    shown = capsys.readouterr()
    assert json.loads(shown.out)["serial"] == SERIAL
    assert "\n".join(line.rstrip() for line in qr_lines(request.text)) in "\n".join(
        line.rstrip() for line in shown.err.splitlines()
    )
    assert request.password not in shown.out + shown.err


def test_nobody_reading_the_qr_code_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shardloom_pair(home, "--qr", "--timeout", "0.2") == 1
    assert "No phone read the QR code" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 2),
        (("127.0.0.1:1",), 2),
        (("127.0.0.1:1", "123456", "--qr"), 2),
        (("nowhere", "123456"), 1),
    ],
)
def test_what_cannot_be_paired_is_said_in_one_line(
    arguments: tuple[str, ...], status: int, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shardloom_pair(home, *arguments) == status
    error = capsys.readouterr().err
    assert "HOST:PORT" in error
    assert error.count("\n") == 1


def test_a_phones_advertisements_come_and_go_with_it(tmp_path: Path) -> None:
    with NetworkBrowser(interface="127.0.0.1") as browser:

        def seen() -> set[tuple[ServiceType, str]]:
            return {
                (service.kind, service.address)
                for service in browser.services
                if service.instance.startswith("adb-COME-1-")
            }

        with running([persona("COME-1", wireless=True)], tmp_path) as rack:
            secure = (ServiceType.SECURE, rack.addresses[0])
            until(lambda: seen() == {secure})
            _, port = rack.open_pairing("COME-1")
            until(lambda: seen() == {secure, (ServiceType.PAIRING, f"127.0.0.1:{port}")})
        until(lambda: seen() == set())


def test_a_qr_code_is_drawn_module_by_module() -> None:
    request = new_request()
    assert read_qr_text(request.text) == request
    lines = qr_lines(request.text)
    assert len({len(line) for line in lines}) == 1
    dark = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}
    rows = [row for line in lines for row in zip(*(dark[glyph] for glyph in line), strict=True)]
    finder = [rows[QUIET_ZONE_MODULES + row][QUIET_ZONE_MODULES:][:7] for row in range(7)]
    ring, inner = (1, 0, 0, 0, 0, 0, 1), (1, 0, 1, 1, 1, 0, 1)
    assert finder == [(1,) * 7, ring, inner, inner, inner, ring, (1,) * 7]
    assert not any(any(row) for row in rows[:QUIET_ZONE_MODULES])
