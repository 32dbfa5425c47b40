"""What is asked of an adb server again, and what only once: a scripted server tells."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.core.errors import PhoneLostError
from app.devices.adb.adb_server import AdbServer
from app.devices.links.server_link import ServerSource
from tests.saying import raises_saying

SERIAL = "PHONE-1"
CHOICE, SERVICE = f"host:transport:{SERIAL}", "shell,v2,raw:true"
PATIENCE_S = 60.0


@contextmanager
def scripted(answers: Sequence[Sequence[bytes]]) -> Iterator[tuple[ServerSource, list[str]]]:
    """Run a server that gives each connection its answers in turn, and then hangs up."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for connection_answers in answers:
                connection, _ = listener.accept()
                with connection, connection.makefile("rb") as requests:
                    for answer in connection_answers:
                        asked.append(requests.read(int(requests.read(4), 16)).decode())
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield ServerSource(AdbServer("127.0.0.1", listener.getsockname()[1]), SERIAL), asked
        finally:
            thread.join()


def test_a_server_that_hung_up_before_anything_began_is_asked_once_more() -> None:
    with scripted([[b""], [b"OKAY", b"OKAYhello"]]) as (source, asked):
        stream = source.open(SERVICE, PATIENCE_S)
        assert stream.receive() == b"hello"
        stream.close()
    assert asked == [CHOICE, CHOICE, SERVICE]


def test_a_service_that_may_have_begun_is_not_asked_for_again() -> None:
    with (
        scripted([[b"OKAY", b""]]) as (source, asked),
        raises_saying(PhoneLostError, match="PHONE-1 is gone"),
    ):
        source.open(SERVICE, PATIENCE_S)
    assert asked == [CHOICE, SERVICE]


def test_a_server_that_does_not_have_the_phone_is_believed() -> None:
    reason = b"device 'PHONE-1' not found"
    with (
        scripted([[b"FAIL" + f"{len(reason):04x}".encode() + reason]]) as (source, asked),
        raises_saying(PhoneLostError, match="not found"),
    ):
        source.open(SERVICE, PATIENCE_S)
    assert asked == [CHOICE]


def test_a_server_that_hangs_up_twice_has_lost_the_phone() -> None:
    with (
        scripted([[b""], [b""]]) as (source, asked),
        raises_saying(PhoneLostError, match="PHONE-1 is gone"),
    ):
        source.open(SERVICE, PATIENCE_S)
    assert asked == [CHOICE, CHOICE]
