"""Both kinds of link against virtual phones: adb-shell over TCP, and Google's own adb server."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from adb_shell.adb_device import AdbDevice
from adb_shell.exceptions import TcpTimeoutException
from adb_shell.transport.tcp_transport import TcpTransport

from app.core.errors import PhoneLostError, PhoneUnauthorizedError
from app.devices.adb.adb_server import AdbServer
from app.devices.deployment.link_probe import measure_link
from app.devices.errors import PhoneRefusedError
from app.devices.links.adb_link import AdbLink
from app.devices.links.server_link import connect_server
from app.devices.links.tcp_link import connect_tcp, split_address
from app.virtual.rack import VirtualRack
from app.virtual.radio.shaper import SEGMENT_BYTES
from tests.integration.devices.rack import key, let_in, persona, private_adb_server, running, until
from tests.saying import raises_saying

pytestmark = pytest.mark.usefixtures("patient")
WORK = "/data/local/tmp"
WIFI_BUFFER_BYTES = 64 * 1024
"""About what Linux begins with on a link of such segments."""

TIMEOUT_S = 60.0
NO_ANSWER_S = 0.5
"""How long is waited for the answer to what the phone cannot have whole: it never comes."""
Connect = Callable[[VirtualRack, str], AdbLink]


@pytest.fixture(scope="module")
def adb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    with private_adb_server(tmp_path_factory.mktemp("adb")) as server:
        yield server


@pytest.fixture(params=["tcp", "server"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Connect:
    """Return what connects to a phone of a rack in one of the two ways."""

    def by_tcp(rack: VirtualRack, address: str) -> AdbLink:
        assert address in rack.addresses
        return connect_tcp(address, key(tmp_path))

    def by_server(rack: VirtualRack, address: str) -> AdbLink:
        assert address in rack.addresses
        server: AdbServer = request.getfixturevalue("adb_server")
        let_in(server, address)
        return connect_server(server, address)

    return by_tcp if request.param == "tcp" else by_server


def is_alive(link: AdbLink) -> bool:
    try:
        return link.shell("echo alive").stdout == "alive\n"
    except PhoneLostError:
        return False


@pytest.fixture
def link(connect: Connect, tmp_path: Path) -> Iterator[AdbLink]:
    with running([persona("LINK-1")], tmp_path) as rack:
        link = connect(rack, rack.addresses[0])
        yield link
        link.close()


def test_exit_code_and_streams_come_apart(link: AdbLink) -> None:
    result = link.shell("echo out; echo err >&2; exit 7")
    assert (result.exit_code, result.stdout, result.stderr) == (7, "out\n", "err\n")


def test_large_output_is_whole(link: AdbLink) -> None:
    result = link.shell("i=0; while [ $i -lt 20000 ]; do echo line-$i; i=$((i+1)); done")
    assert result.stdout.splitlines() == [f"line-{number}" for number in range(20000)]


def test_a_command_that_takes_too_long_is_a_lost_phone(link: AdbLink) -> None:
    with pytest.raises(PhoneLostError):
        link.shell("sleep 60", timeout_s=0.3)


def test_files_go_there_and_back_with_mode_and_progress(link: AdbLink, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "out").write_bytes(content)
    pushed: list[tuple[int, int]] = []
    pulled: list[tuple[int, int]] = []
    target = f"{WORK}/new folder/file"
    link.push(tmp_path / "out", target, 0o600, lambda *now: pushed.append(now))
    link.pull(target, tmp_path / "back", lambda *now: pulled.append(now))
    assert (tmp_path / "back").read_bytes() == content
    for steps in (pushed, pulled):
        assert steps == sorted(steps)
        assert steps[-1] == (len(content), len(content))
    found = link.stat(target)
    assert found is not None
    assert (found.name, found.mode, found.size_bytes) == ("file", 0o100600, len(content))
    assert link.list(f"{WORK}/new folder") == [found]


def test_an_empty_file_is_a_file(link: AdbLink, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    link.push(tmp_path / "empty", f"{WORK}/empty")
    link.pull(f"{WORK}/empty", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b""


def test_what_is_not_there_is_none_or_refused(link: AdbLink, tmp_path: Path) -> None:
    assert link.stat(f"{WORK}/absent") is None
    assert link.list(f"{WORK}/absent") == []
    with raises_saying(PhoneRefusedError, match="absent"):
        link.pull(f"{WORK}/absent", tmp_path / "back")
    assert list(tmp_path.glob("back*")) == []


def test_the_phones_reason_for_refusing_a_push_is_told(link: AdbLink, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(2_000_000))
    with raises_saying(PhoneRefusedError, match=f"{WORK} is a folder"):
        link.push(tmp_path / "big", WORK)
    assert link.shell("echo still here").stdout == "still here\n"


def test_a_push_is_cancelled_by_its_progress_and_the_phone_stays_usable(
    link: AdbLink, tmp_path: Path
) -> None:
    class CancelledError(Exception):
        pass

    def cancel(done_bytes: int, _total_bytes: int) -> None:
        if done_bytes > 1_000_000:
            raise CancelledError

    (tmp_path / "big").write_bytes(bytes(8_000_000))
    with pytest.raises(CancelledError):
        link.push(tmp_path / "big", f"{WORK}/big", progress=cancel)
    until(lambda: is_alive(link))
    assert link.stat(f"{WORK}/big") is None


def test_a_phone_killed_in_a_push_is_lost(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(30_000_000))
    with running([persona("KILL-1")], tmp_path) as rack:
        link = connect(rack, rack.addresses[0])

        def kill(done_bytes: int, _total_bytes: int) -> None:
            if done_bytes > 1_000_000 and rack.addresses:
                rack.kill("KILL-1")

        with pytest.raises(PhoneLostError):
            link.push(tmp_path / "big", f"{WORK}/big", progress=kill)
        with pytest.raises(PhoneLostError):
            link.shell("true")


def test_a_slow_link_is_measured_as_slow_and_loses_nothing(
    connect: Connect, tmp_path: Path
) -> None:
    slow = persona("SLOW-1", link_latency_ms=15, link_mbit_per_second=40)
    content = os.urandom(1_500_000)
    (tmp_path / "out").write_bytes(content)
    with running([slow], tmp_path) as rack:
        link = connect(rack, rack.addresses[0])
        link.push(tmp_path / "out", f"{WORK}/file")
        link.pull(f"{WORK}/file", tmp_path / "back")
        measured = measure_link(link)
    assert (tmp_path / "back").read_bytes() == content
    assert measured.latency_s >= 0.014
    assert measured.bytes_per_second <= 2 * 40e6 / 8


class StockTransport(TcpTransport):  # type: ignore[misc] # adb-shell has no types
    """adb-shell's own, with a buffer as systems give it on a Wi-Fi, and what it lost."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.lost_bytes = 0

    def connect(self, transport_timeout_s: float | None) -> None:
        super().connect(transport_timeout_s)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WIFI_BUFFER_BYTES)

    def bulk_write(self, data: bytes, transport_timeout_s: float | None) -> int:
        sent = int(super().bulk_write(data, transport_timeout_s))
        self.lost_bytes += len(data) - sent
        return sent

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        patience_s = NO_ANSWER_S if self.lost_bytes else transport_timeout_s
        return bytes(super().bulk_read(numbytes, patience_s))


def test_the_stock_transport_loses_on_a_slow_link_what_ours_brings_whole(tmp_path: Path) -> None:
    content = os.urandom(900_000)
    (tmp_path / "out").write_bytes(content)
    with running([persona("SLOW-2", link_mbit_per_second=20)], tmp_path) as rack:
        host, port = split_address(rack.addresses[0])
        transport = StockTransport(host, port)
        stock = AdbDevice(transport, default_transport_timeout_s=TIMEOUT_S)
        assert stock.connect([key(tmp_path)], auth_timeout_s=TIMEOUT_S, read_timeout_s=TIMEOUT_S)
        segment_bytes = transport._connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        with pytest.raises(TcpTimeoutException):
            stock.push(str(tmp_path / "out"), f"{WORK}/stock")
        stock.close()
        link = connect_tcp(rack.addresses[0], key(tmp_path))
        link.push(tmp_path / "out", f"{WORK}/ours")
        link.pull(f"{WORK}/ours", tmp_path / "back")
    assert transport.lost_bytes > len(content) / 2
    assert segment_bytes <= SEGMENT_BYTES or sys.platform != "linux"
    assert (tmp_path / "back").read_bytes() == content


def test_an_unknown_computer_is_told_what_to_tap(tmp_path: Path) -> None:
    with (
        running([persona("ASK-1", accept_keys="ask")], tmp_path) as rack,
        raises_saying(PhoneUnauthorizedError, match="tap Allow"),
    ):
        connect_tcp(rack.addresses[0], key(tmp_path), authorization_timeout_s=0.3)


def test_nobody_at_an_address_is_a_lost_phone(tmp_path: Path) -> None:
    with running([persona("GONE-1")], tmp_path) as rack:
        address = rack.addresses[0]
    with raises_saying(PhoneLostError, match=address):
        connect_tcp(address, key(tmp_path))
