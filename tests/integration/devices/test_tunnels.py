"""Bytes through adb, both ways, by every link of ours, against virtual phones and a real adbd."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.identifiers import Serial
from app.devices.adb.adb_server import AdbServer
from app.devices.links.adb_link import AdbLink
from app.devices.links.port_forward import relay_to
from app.devices.links.server_link import connect_server
from app.devices.links.tcp_link import connect_tcp
from app.devices.links.usb_link import UsbPhone, connect_usb
from tests.integration.devices.adbd_namespace import running_adbd
from tests.integration.devices.rack import key, let_in, persona, private_adb_server, running, until
from tests.integration.devices.test_usb import Wires
from tests.integration.devices.tunnel_support import TIMEOUT_S, echo, ends_at_once, sent_and_back

pytestmark = pytest.mark.usefixtures("patient")
PAYLOAD = os.urandom(3_000_000)


@pytest.fixture(params=["tcp", "usb", "server"])
def link(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AdbLink]:
    """Yield a link to a virtual phone, by each way of carrying ADB."""
    with running([persona("TUNNEL-1", wifi=False)], tmp_path) as rack:
        address = rack.addresses[0]
        if request.param == "server":
            with private_adb_server(tmp_path) as server:
                let_in(server, address)
                yield connect_server(server, address)
            return
        if request.param == "usb":
            link = connect_usb(UsbPhone(Serial("TUNNEL-1"), Wires(address)), key(tmp_path))
        else:
            link = connect_tcp(address, key(tmp_path))
        yield link
        link.close()


def test_a_port_of_the_phone_is_reached_while_the_link_does_other_things(
    link: AdbLink, tmp_path: Path
) -> None:
    (tmp_path / "out").write_bytes(PAYLOAD)
    with echo() as port, ThreadPoolExecutor(4) as pool:
        forwarded = link.forward(port)
        assert link.forward(port) == forwarded
        tunnels = [pool.submit(sent_and_back, forwarded, PAYLOAD) for _ in range(3)]
        link.push(tmp_path / "out", "/data/local/tmp/file")
        assert link.shell("echo meanwhile").stdout == "meanwhile\n"
        assert all(tunnel.result() == PAYLOAD for tunnel in tunnels)
    assert ends_at_once(forwarded)
    link.close()
    assert socket.socket().connect_ex(("127.0.0.1", forwarded)) != 0


def test_a_port_of_this_computer_is_reached_from_the_phone(link: AdbLink) -> None:
    with echo() as port, echo() as other, ThreadPoolExecutor(3) as pool:
        there = link.reverse(port)
        assert sent_and_back(link.reverse(other), b"by another way") == b"by another way"
        tunnels = [pool.submit(sent_and_back, there, PAYLOAD) for _ in range(3)]
        assert all(tunnel.result() == PAYLOAD for tunnel in tunnels)
    assert ends_at_once(there)
    assert link.shell("echo still here").stdout == "still here\n"


def test_out_of_one_phone_and_into_another(tmp_path: Path) -> None:
    phones = [persona("FIRST-1", wifi=False), persona("SECOND-2", wifi=False)]
    with running(phones, tmp_path) as rack, echo() as port:
        first, second = (connect_tcp(address, key(tmp_path)) for address in rack.addresses)
        assert sent_and_back(first.reverse(second.forward(port)), PAYLOAD) == PAYLOAD
        first.close()
        second.close()


def test_two_phones_of_another_computers_server_are_joined_there_until_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AdbServer, "is_local", False)
    phones = [persona("THERE-1", wifi=False), persona("THERE-2", wifi=False)]
    with (
        running(phones, tmp_path) as rack,
        private_adb_server(tmp_path) as server,
        echo() as port,
    ):
        let_in(server, *rack.addresses)
        first, second = (connect_server(server, address) for address in rack.addresses)
        assert first.holder == second.holder == f"127.0.0.1:{server.port}"
        there = second.forward_there(port)
        assert second.forward_there(port) == there
        out = first.reverse(there)
        assert sent_and_back(out, PAYLOAD) == PAYLOAD
        first.close()
        second.close()
        until(lambda: socket.socket().connect_ex(("127.0.0.1", out)) != 0)
        until(lambda: socket.socket().connect_ex(("127.0.0.1", there)) != 0)


def test_a_phone_that_goes_takes_its_tunnels_along(tmp_path: Path) -> None:
    with running([persona("GONE-1", wifi=False)], tmp_path) as rack, echo() as port:
        link = connect_tcp(rack.addresses[0], key(tmp_path))
        forwarded, there = link.forward(port), link.reverse(port)
        with socket.create_connection(("127.0.0.1", forwarded), TIMEOUT_S) as client:
            client.sendall(b"alive")
            assert client.recv(100) == b"alive"
            rack.kill("GONE-1")
            assert client.recv(100) == b""
        assert socket.socket().connect_ex(("127.0.0.1", there)) != 0
        link.close()


def test_a_phone_may_not_reach_ports_that_nobody_gave_it(tmp_path: Path) -> None:
    with running([persona("CURIOUS-1")], tmp_path) as rack, echo() as port, echo() as other:
        link = connect_tcp(rack.addresses[0], key(tmp_path))
        there = link.reverse(port)
        link._source.open(f"reverse:forward:tcp:{there};tcp:{other}", TIMEOUT_S).close()
        assert sent_and_back(there, b"") == b""
        assert ends_at_once(there)
        link.close()


def test_a_relay_to_an_address_passes_bytes_both_ways_until_closed() -> None:
    with echo() as port:
        relay = relay_to("127.0.0.1", port)
        assert sent_and_back(relay.port, PAYLOAD) == PAYLOAD
        relay.close()
        assert socket.socket().connect_ex(("127.0.0.1", relay.port)) != 0


@pytest.mark.skipif(shutil.which("unshare") is None, reason="NOT PROVEN HERE: no unshare")
@pytest.mark.parametrize("way", ["tcp", "server"])
def test_a_real_adbd_takes_tunnels_both_ways_through_each_other(way: str, tmp_path: Path) -> None:
    """Its ports lie in a namespace of their own: what comes back went out of it and in again."""
    with running_adbd(tmp_path) as (address, _), echo() as port, ThreadPoolExecutor(3) as pool:
        if way == "tcp":
            link = connect_tcp(address, key(tmp_path))
            forwarded = link.forward(link.reverse(port))
            tunnels = [pool.submit(sent_and_back, forwarded, PAYLOAD) for _ in range(3)]
            assert all(tunnel.result() == PAYLOAD for tunnel in tunnels)
            link.close()
            return
        with private_adb_server(tmp_path) as server:
            let_in(server, address)
            link = connect_server(server, address)
            assert sent_and_back(link.forward(link.reverse(port)), PAYLOAD) == PAYLOAD
            link.close()
