from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.errors import BadInputError, PhoneLostError
from app.devices.errors import PhoneBusyError
from app.devices.links.tcp_link import TcpSource, split_address
from app.devices.links.tcp_transport import TcpTransport
from tests.saying import raises_saying

TIMEOUT_S = 60.0


def until(condition: Callable[[], bool]) -> None:
    """Wait: even on loopback the system may take its time to pass something on."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline_s, "did not come true in time"
        time.sleep(0.01)


@pytest.fixture
def ends() -> Iterator[tuple[TcpTransport, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = TcpTransport("127.0.0.1", server.getsockname()[1])
        transport.connect(TIMEOUT_S)
        peer, _ = server.accept()
        with peer:
            yield transport, peer
        transport.close()


def test_a_large_write_reaches_a_slow_reader_whole(
    ends: tuple[TcpTransport, socket.socket],
) -> None:
    transport, peer = ends
    content = bytes(range(256)) * 80_000  # far more than the socket's buffers hold

    def read_in_small_pieces() -> bytes:
        received = bytearray()
        while len(received) < len(content) and (data := peer.recv(50_000)):
            received += data
        return bytes(received)

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_in_small_pieces)
        assert transport.bulk_write(content, TIMEOUT_S) == len(content)
        assert reading.result() == content


def test_small_writes_are_not_held_back(ends: tuple[TcpTransport, socket.socket]) -> None:
    transport, _ = ends
    assert transport._socket is not None
    assert transport._socket.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_silence_is_a_lost_phone_and_closes(ends: tuple[TcpTransport, socket.socket]) -> None:
    transport, _ = ends
    with raises_saying(PhoneLostError, match="does not answer"):
        transport.bulk_read(1, 0.05)
    with raises_saying(PhoneLostError, match="no longer connected"):
        transport.bulk_read(1, 0.05)


def test_the_end_is_a_lost_phone_and_not_an_empty_read(
    ends: tuple[TcpTransport, socket.socket],
) -> None:
    transport, peer = ends
    peer.sendall(b"last")
    peer.close()
    assert transport.bulk_read(100, TIMEOUT_S) == b"last"
    with raises_saying(PhoneLostError, match="closed the connection"):
        transport.bulk_read(100, TIMEOUT_S)


def test_a_phone_that_hangs_up_before_a_word_is_busy_elsewhere() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = TcpTransport("127.0.0.1", server.getsockname()[1])
        transport.allow_tls(lambda: pytest.fail("it did not ask for TLS"))
        transport.connect(TIMEOUT_S)
        peer, _ = server.accept()
        peer.close()
        with raises_saying(PhoneBusyError, match="another computer or program has this phone"):
            transport.bulk_read(24, TIMEOUT_S)
    assert not transport.is_connected()


def test_the_end_is_seen_without_reading_what_is_left(
    ends: tuple[TcpTransport, socket.socket],
) -> None:
    transport, peer = ends
    assert transport.is_connected()
    peer.sendall(b"unread")
    assert transport.is_connected()
    peer.shutdown(socket.SHUT_WR)
    until(lambda: not transport.is_connected())


def test_closing_wakes_a_thread_that_waits(ends: tuple[TcpTransport, socket.socket]) -> None:
    transport, _ = ends
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(transport.bulk_read, 1, None)
        assert not waiting.done()
        transport.close()
        with pytest.raises(PhoneLostError):
            waiting.result(TIMEOUT_S)


def test_a_refused_connection_names_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with raises_saying(PhoneLostError, match=rf"127\.0\.0\.1:{port} refused"):
        TcpTransport("127.0.0.1", port).connect(TIMEOUT_S)


def test_addresses_are_split_and_named() -> None:
    assert split_address("phone.local:5555") == ("phone.local", 5555)
    assert split_address("[fe80::1]:5555") == ("fe80::1", 5555)
    assert TcpSource("192.168.1.7:5555").transport == "Wi-Fi 192.168.1.7:5555"
    assert TcpSource("127.0.0.1:5555").transport == "loopback 127.0.0.1:5555"


@pytest.mark.parametrize("text", ["", "host", "host:", ":1", "host:0", "host:65536", "host:-1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with raises_saying(BadInputError, match="HOST:PORT"):
        split_address(text)
