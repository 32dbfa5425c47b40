"""Where no phone can be used: what was looked for, where, and what each answered, in one line."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.__main__ import main
from tests import impostors
from tests.integration.devices.rack import closed_port, persona, running

RUN = ("run", "demo", "--prompt", "In", "--tokens", "2")
UNAUTHORIZED = "RF8M0000XYZ            unauthorized usb:2-1 transport_id:6\n"
FORBIDDEN = (
    "(no serial number)     no permissions (missing udev rules?); see [http://a.b/c] usb:1-4\n"
)
OFFLINE = "192.168.0.17:5555      offline transport_id:7\n"


def listing(rows: str) -> Callable[[socket.socket], None]:
    """Serve as an adb server does that has these phones."""

    def serve(connection: socket.socket) -> None:
        request = connection.recv(int(connection.recv(4), 16))
        connection.sendall(b"OKAY")
        if request == b"host:devices-l":
            connection.sendall(f"{len(rows):04x}{rows}".encode())
        else:
            hang(connection)

    return serve


def hang(connection: socket.socket) -> None:
    while connection.recv(1024):
        pass


def be_a_web_server(connection: socket.socket) -> None:
    connection.recv(1024)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    with impostors.listening(serve) as (host, port):
        yield f"{host}:{port}"


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one line that a command says why it cannot be done in."""
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        (hang, ("took a connection and said nothing for 3 s", "adb kill-server", "So since ")),
        (be_a_web_server, ("is no adb server: it says b'HTTP", "ANDROID_ADB_SERVER_PORT")),
        (listing(""), ("answers and lists no phone", "USB debugging")),
        (listing(UNAUTHORIZED), ("RF8M0000XYZ has not accepted this computer", "tap Allow")),
        (listing(FORBIDDEN), ("no permissions (missing udev rules?)", "/etc/udev/rules.d/")),
        (listing(OFFLINE), ("192.168.0.17:5555", "says offline", "unplug it")),
    ],
)
def test_a_servers_answer_is_told_with_the_next_step(
    serve: Callable[[socket.socket], None],
    words: tuple[str, ...],
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with listening(serve) as address:
        line = refusal(capsys, *RUN, "--rack", f"server:{address}", "--home", str(home))
    assert line.startswith("shardloom: No phone of this rack is ready. ")
    assert [word for word in words if word not in line] == []


@pytest.mark.parametrize("kind", ["server:", ""])
def test_where_nothing_listens_it_is_said_where_and_what_to_do(
    kind: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closed_port() as address:
        line = refusal(capsys, *RUN, "--rack", f"{kind}{address}", "--home", str(home))
    assert f"No phone of this rack is ready. {'No adb server answers at ' if kind else ''}" in line
    assert line.count(address) == 1 + line.count(f"`{address}`")
    assert "`adb " in line


def test_the_variables_of_adb_choose_the_server_of_a_rack_of_cables(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(listing("")) as address:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", address.rpartition(":")[2])
        line = refusal(capsys, *RUN, "--rack", "usb", "--home", str(home))
    assert f"The adb server at {address} answers and lists no phone on a cable" in line


def test_cleaning_says_it_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with listening(listing("")) as address:
        clean = ("devices", "clean", "--rack", f"server:{address}", "--home", str(home))
        line = refusal(capsys, *clean)
    assert "No phone of this rack is here. The adb server at" in line


def test_a_named_phone_and_a_named_server_that_are_left_out_have_a_line_each(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        running([persona("LEFT-1")], tmp_path) as phones,
        closed_port() as nobody,
        listening(hang) as silent,
    ):
        rack = f"{phones.addresses[0]},{nobody},server:{silent}"
        assert main([*RUN, "--rack", rack, "--patience", "5", "--home", str(home)]) == 0
    told = capsys.readouterr()
    left_out, silence = told.err.splitlines()
    assert left_out.startswith(f"shardloom: Left out: {nobody} refused the connection")
    assert f"What listens at {silent} took a connection and said nothing" in silence
    assert told.out.startswith("In")


def test_a_default_rack_says_that_the_server_hangs_beside_its_simulated_phones(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(hang) as address:
        monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:{address}")
        assert main(["devices", "--patience", "5", "--home", str(home)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "these 4 phones are simulated. What listens at" in told
    assert "said nothing" in told
