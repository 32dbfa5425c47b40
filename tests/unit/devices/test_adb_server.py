"""Where the adb server is, and what is said of what listens there instead of one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from app.core.device import DeviceState
from app.core.errors import BadInputError, PhoneLostError
from app.core.identifiers import Serial
from app.devices.adb.adb_server import AdbServer, local_server
from app.devices.discovery.phone_sources import Reach
from app.devices.discovery.server_watch import ServerWatch
from app.devices.errors import NoServerError
from app.devices.links.server_link import ServerSource
from app.words.sentences import fact_text, reason_text
from tests.impostors import listening
from tests.saying import raises_saying

PATIENCE_S = 60.0
ROWS = """\
SAME                   device usb:1-1 product:p model:m device:d transport_id:1
SAME                   device usb:1-2 product:p model:m device:d transport_id:2
(no serial number)     no permissions (missing udev rules?); see [http://a.b/c] usb:1-4
RF8M0000XYZ            unauthorized usb:2-1 transport_id:6
192.168.0.17:5555      offline transport_id:7
"""


def be_silent(connection: socket.socket) -> None:
    while connection.recv(1024):
        pass


def drip(connection: socket.socket) -> None:
    """Never end an answer that never stops coming."""
    connection.sendall(b"OKAYffff")
    while not threading.Event().wait(0.05):
        connection.sendall(b"x")


def answer(*content: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(1024)
        for part in content:
            connection.sendall(part)

    return serve


def block(text: str) -> bytes:
    return f"{len(text.encode()):04x}{text}".encode()


class ListingServer:
    """An adb server that lists phones, and knows none of them by its serial number."""

    def __init__(self, rows: str) -> None:
        self.rows = rows
        self.asked: list[str] = []

    def serve(self, connection: socket.socket) -> None:
        request = connection.recv(int(connection.recv(4), 16)).decode()
        self.asked.append(request)
        if request == "host:devices-l":
            connection.sendall(b"OKAY" + block(self.rows))
        elif request == "host:track-devices":
            connection.sendall(b"OKAY")
            be_silent(connection)
        else:
            connection.sendall(b"FAIL" + block("more than one device/emulator"))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("127.0.0.1", 5037)),
        ({"ANDROID_ADB_SERVER_PORT": "5901"}, ("127.0.0.1", 5901)),
        ({"ANDROID_ADB_SERVER_ADDRESS": "shelf"}, ("shelf", 5037)),
        ({"ADB_SERVER_SOCKET": "tcp:5902"}, ("127.0.0.1", 5902)),
        ({"ADB_SERVER_SOCKET": "tcp:shelf:5902"}, ("shelf", 5902)),
        ({"ADB_SERVER_SOCKET": "tcp:[::1]:5902", "ANDROID_ADB_SERVER_PORT": "1"}, ("::1", 5902)),
    ],
)
def test_the_server_is_where_adb_itself_would_look(
    variables: dict[str, str], expected: tuple[str, int]
) -> None:
    assert local_server(variables) == expected


@pytest.mark.parametrize(
    "variables",
    [
        {"ANDROID_ADB_SERVER_PORT": "many"},
        {"ANDROID_ADB_SERVER_PORT": "65536"},
        {"ANDROID_ADB_SERVER_PORT": "0"},
        {"ADB_SERVER_SOCKET": "localfilesystem:/run/adb"},
        {"ADB_SERVER_SOCKET": "tcp:shelf"},
    ],
)
def test_a_variable_that_names_no_server_is_refused_by_its_name(variables: dict[str, str]) -> None:
    (name,) = variables
    with raises_saying(BadInputError, match=name):
        local_server(variables)


def test_a_server_that_takes_connections_and_hangs_is_told_from_none() -> None:
    with (
        listening(be_silent) as address,
        raises_saying(PhoneLostError, match=r"took a connection and said nothing .*kill-server"),
    ):
        AdbServer(*address, answer_timeout_s=0.2).devices()


def test_an_answer_that_never_ends_is_given_up() -> None:
    with listening(drip) as address, raises_saying(PhoneLostError, match="said nothing"):
        AdbServer(*address, answer_timeout_s=0.3).devices()


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b"", b"OK", b"OKAYzzzz"]
)
def test_another_program_on_its_port_is_told_as_such(said: bytes) -> None:
    with (
        listening(answer(said)) as address,
        raises_saying(PhoneLostError, match="is no adb server") as refusal,
    ):
        AdbServer(*address, answer_timeout_s=PATIENCE_S).devices()
    assert not isinstance(refusal.value, NoServerError)


def test_a_servers_refusal_is_told_in_its_words() -> None:
    with (
        listening(answer(b"FAIL" + block("not now"))) as address,
        raises_saying(PhoneLostError, match="not now"),
    ):
        AdbServer(*address, answer_timeout_s=PATIENCE_S).devices()


def test_where_nothing_listens_the_server_is_to_be_started() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with raises_saying(NoServerError, match="start-server"):
            AdbServer(*taken.getsockname()).devices()


def test_a_phone_is_chosen_by_its_connections_number_where_its_serial_will_not_do() -> None:
    listing = ListingServer(ROWS)
    with listening(listing.serve) as address:
        source = ServerSource(AdbServer(*address), "SAME", "2")
        with raises_saying(PhoneLostError, match="more than one device"):
            source.open("shell:true", PATIENCE_S)
        with pytest.raises(PhoneLostError):
            source.forward_there(9)
    assert listing.asked == [
        "host:transport-id:2",
        "host-transport-id:2:forward:tcp:0;tcp:9",
    ]


def test_each_listed_phone_says_what_keeps_it_from_being_used() -> None:
    listing = ListingServer(ROWS)
    with listening(listing.serve) as address:
        watch = ServerWatch(AdbServer(*address), Reach.ANY)
        try:
            watch._look()
            watch._look()
            told = {phone.serial: (phone.state, fact_text(phone.account)) for phone in watch.phones}
        finally:
            watch.close()
    assert list(told) == [
        "SAME@usb:1-1",
        "SAME@usb:1-2",
        "no serial number@usb:1-4",
        "RF8M0000XYZ",
        "192.168.0.17:5555",
    ]
    assert told[Serial("RF8M0000XYZ")][0] is DeviceState.UNAUTHORIZED
    words = ("more than one device", "more than one device", "udev/rules.d", "tap Allow", "offline")
    assert all(word in account for word, (_, account) in zip(words, told.values(), strict=True))
    assert "host:transport-id:2" in listing.asked


def test_a_silent_server_is_told_with_the_time_since_when() -> None:
    with listening(be_silent) as address:
        watch = ServerWatch(AdbServer(*address, answer_timeout_s=0.1))
        try:
            watch._look()
            first = watch.notice
            watch._look()
        finally:
            watch.close()
    assert watch.notice == first
    assert "So since " in reason_text(first)
    assert watch.account == (first,)


def test_a_server_without_phones_says_so() -> None:
    with listening(ListingServer("").serve) as address:
        watch = ServerWatch(AdbServer(*address), Reach.USB)
        try:
            watch._look()
        finally:
            watch.close()
    (told,) = watch.account
    assert f"127.0.0.1:{address[1]} answers and lists no phone on a cable" in fact_text(told)
