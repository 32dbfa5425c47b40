"""A phone's outlet and the host that fetches from it, over sockets of this computer."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from app.core.errors import PhoneLostError
from app.devices.adb.stream import ByteStream
from app.devices.links.outlet import OutletCarrier
from app.devices.links.port_forward import SocketStream
from workers.network.outlet_intake import MAXIMUM_SILENT, MAXIMUM_WAITING
from workers.network.outlets import MAXIMUM_CONNECTIONS, OutletPorts, Outlets
from workers.protocol.commands import SECRET_BYTES

TIMEOUT_S = 60.0
SECRET = os.urandom(SECRET_BYTES)
PAYLOAD = os.urandom(1_000_000)


@pytest.fixture
def outlets() -> Iterator[Outlets]:
    opened = Outlets()
    yield opened
    opened.close()


@contextmanager
def echo() -> Iterator[int]:
    """Yield the port of a server that sends back what it receives."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                while data := connection.recv(1 << 16):
                    connection.sendall(data)

        def attend() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

        threading.Thread(target=attend, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), TIMEOUT_S)


def waiting(ports: OutletPorts, secret: bytes = SECRET) -> socket.socket:
    """Return a stream of the host's that waits at the intake, or would with that secret."""
    stream = connected(ports.intake_port)
    stream.sendall(secret)
    return stream


def exactly(connection: socket.socket, size_bytes: int) -> bytes:
    received = bytearray()
    while len(received) < size_bytes and (data := connection.recv(1 << 16)):
        received += data
    return bytes(received)


def echoed(port: int, payload: bytes) -> bytes:
    """Return what comes back through a port for a payload, sent while it is received."""
    with connected(port) as client:
        sender = threading.Thread(target=client.sendall, args=(payload,), daemon=True)
        sender.start()
        received = exactly(client, len(payload))
        sender.join(TIMEOUT_S)
        return received


def test_a_connection_takes_the_stream_that_waits_whichever_came_first(outlets: Outlets) -> None:
    ports = outlets.open("next", SECRET)
    for stream_first in (True, False):
        stream = waiting(ports) if stream_first else None
        with connected(ports.port) as client:
            client.sendall(b"out")
            stream = stream or waiting(ports)
            with stream:
                assert exactly(stream, 3) == b"out"
                stream.sendall(b"back")
                assert exactly(client, 4) == b"back"
            assert client.recv(1) == b""


def test_who_does_not_know_the_secret_gets_nothing(outlets: Outlets) -> None:
    ports = outlets.open("next", SECRET)
    with waiting(ports, bytes(SECRET_BYTES)) as stranger, connected(ports.port) as client:
        client.sendall(b"out")
        assert stranger.recv(1) == b""
        with waiting(ports) as stream:
            assert exactly(stream, 3) == b"out"


def test_a_stream_that_ended_while_it_waited_is_passed_over(outlets: Outlets) -> None:
    ports = outlets.open("next", SECRET)
    ended = waiting(ports)
    ended.shutdown(socket.SHUT_WR)
    with connected(ports.port) as client, waiting(ports) as stream:
        client.sendall(b"out")
        assert exactly(stream, 3) == b"out"
    assert ended.recv(1) == b""
    ended.close()


def test_an_outlet_opened_again_keeps_its_ports_and_lets_go_of_what_waited(
    outlets: Outlets,
) -> None:
    ports = outlets.open("next", SECRET)
    with waiting(ports) as before:
        other = os.urandom(SECRET_BYTES)
        assert outlets.open("next", other) == ports
        assert before.recv(1) == b""
        with waiting(ports) as late, connected(ports.port) as client, waiting(ports, other) as now:
            assert late.recv(1) == b""
            client.sendall(b"out")
            assert exactly(now, 3) == b"out"
    assert outlets.open("another", SECRET) != ports


def test_the_host_leads_every_connection_of_an_outlet_to_its_port(outlets: Outlets) -> None:
    ports = outlets.open("next", SECRET)
    with echo() as port:
        carrier = OutletCarrier(lambda: SocketStream("127.0.0.1", ports.intake_port), SECRET, port)
        assert [echoed(ports.port, PAYLOAD) for _ in range(2)] == [PAYLOAD] * 2
        with connected(ports.port) as client:
            client.sendall(b"alive")
            assert exactly(client, 5) == b"alive"
            carrier.close()
            assert client.recv(1) == b""


def test_a_stream_that_ends_before_anybody_took_it_is_replaced(
    outlets: Outlets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.devices.links.outlet.RETRY_TICK_S", 0.01)
    ports = outlets.open("next", SECRET)
    failures: list[Callable[[], ByteStream]] = [_lost, lambda: _cut(ports.intake_port)]

    def open_stream() -> ByteStream:
        return failures.pop()() if failures else SocketStream("127.0.0.1", ports.intake_port)

    with echo() as port:
        carrier = OutletCarrier(open_stream, SECRET, port)
        assert echoed(ports.port, b"through") == b"through"
        assert not failures
        carrier.close()


def test_streams_that_say_nothing_are_few_and_the_hosts_comes_in_between(
    outlets: Outlets, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = outlets.open("next", SECRET)
    with ExitStack() as stack:
        flood = _silent(stack, ports, 2 * MAXIMUM_SILENT)
        own = stack.enter_context(connected(ports.intake_port))
        flood += _silent(stack, ports, MAXIMUM_SILENT - 1)
        oldest = flood[: 2 * MAXIMUM_SILENT]
        assert [stream.recv(1) for stream in oldest] == [b""] * len(oldest)
        own.sendall(SECRET)
        client = stack.enter_context(connected(ports.port))
        client.sendall(b"out")
        assert exactly(own, 3) == b"out"
    assert capsys.readouterr().err.count("say nothing at outlets") == 1


def test_of_too_many_streams_that_wait_some_are_let_go(
    outlets: Outlets, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = outlets.open("next", SECRET)
    with ExitStack() as stack:
        streams = [stack.enter_context(waiting(ports)) for _ in range(MAXIMUM_WAITING + 3)]
        ended: set[socket.socket] = set()
        while len(ended) < len(streams) - MAXIMUM_WAITING:
            closed, _, _ = select.select(set(streams) - ended, [], [], TIMEOUT_S)
            assert closed, f"{len(streams) - len(ended)} streams wait"
            ended.update(closed)
        assert {stream.recv(1) for stream in ended} == {b""}
        client = stack.enter_context(connected(ports.port))
        client.sendall(b"out")
        (taken,), _, _ = select.select(set(streams) - ended, [], [], TIMEOUT_S)
        assert exactly(taken, 3) == b"out"
    assert capsys.readouterr().err.count("wait at an outlet") == 1


class TakenStream:
    """A stream that somebody took at once, and who says nothing more."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._spoke = False

    def wait_for_ever(self) -> None:
        """Wait as long as it takes."""

    def send(self, _data: bytes) -> None:
        """Take what is sent."""

    def receive(self) -> bytes:
        if not self._spoke:
            self._spoke = True
            return b"x"
        self.ended.wait(TIMEOUT_S)
        return b""

    def close(self) -> None:
        self.ended.set()


def test_a_phone_that_takes_stream_after_stream_gets_no_more_than_may_be_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.devices.links.outlet.RETRY_TICK_S", 0.01)
    opened: list[TakenStream] = []
    in_use: list[int] = []
    another = threading.Semaphore(0)

    def open_stream() -> ByteStream:
        opened.append(TakenStream())
        in_use.append(sum(not stream.ended.is_set() for stream in opened))
        another.release()
        return opened[-1]

    with echo() as port:
        carrier = OutletCarrier(open_stream, SECRET, port)
        for number in range(2 * MAXIMUM_CONNECTIONS):
            assert another.acquire(timeout=TIMEOUT_S)
            if number >= MAXIMUM_CONNECTIONS - 1:
                opened[number - MAXIMUM_CONNECTIONS + 1].close()
        carrier.close()
    assert max(in_use) == MAXIMUM_CONNECTIONS


def _silent(stack: ExitStack, ports: OutletPorts, count: int) -> list[socket.socket]:
    """Return so many streams at the intake that say nothing."""
    return [stack.enter_context(connected(ports.intake_port)) for _ in range(count)]


def _lost() -> ByteStream:
    raise PhoneLostError("not now")


def _cut(port: int) -> ByteStream:
    stream = SocketStream("127.0.0.1", port)
    stream.close()
    return stream
