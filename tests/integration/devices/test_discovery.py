"""Phones found, lost, moved and refused, at addresses, behind adb servers and on the network."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from app.core.device import DeviceState
from app.core.errors import PhoneLostError
from app.core.identifiers import Serial
from app.devices.discovery import address_watch
from app.devices.discovery.address_watch import AddressWatch
from app.devices.discovery.discovery import Discovery
from app.devices.discovery.found_phone import FoundPhone
from app.devices.discovery.phone_sources import Reach
from app.devices.links.adb_link import AdbLink
from app.devices.links.pairing import pair
from app.devices.links.server_link import ServerSource
from app.devices.wireless.paired_phones import PairedPhones
from app.rack.phones.rack_file import RackDefinition, load_rack
from app.virtual.disturbance import Disturbance
from app.words.sentences import fact_text, reason_text
from tests.integration.devices.rack import (
    free_port,
    key,
    let_in,
    persona,
    private_adb_server,
    running,
    until,
)

pytestmark = pytest.mark.usefixtures("patient")
RACKS = Path(__file__).parents[3] / "assets" / "racks"
ALONE = RackDefinition("test", use_all=True, audit_rate=1.0)
NEWS_TIMEOUT_S = 60.0


@contextmanager
def watching(
    folder: Path, *addresses: str, definition: RackDefinition = ALONE
) -> Iterator[Discovery]:
    discovery = Discovery(definition, key(folder), addresses)
    try:
        yield discovery
    finally:
        discovery.close()


def states(phones: tuple[FoundPhone, ...]) -> dict[str, DeviceState]:
    return {phone.serial: phone.state for phone in phones}


def seen(discovery: Discovery, wanted: dict[str, DeviceState]) -> tuple[FoundPhone, ...]:
    """Wait until the phones are as wanted, and return them as they were then."""
    last: tuple[FoundPhone, ...] = ()

    def fits() -> bool:
        nonlocal last
        last = discovery.poll()
        return states(last) == wanted

    until(fits)
    return last


def test_every_phone_is_found_by_its_own_serial_and_connects(tmp_path: Path) -> None:
    with (
        running([persona("A-1"), persona("A-2")], tmp_path) as rack,
        watching(tmp_path, *rack.addresses) as discovery,
    ):
        for phone in seen(discovery, {"A-1": DeviceState.FOUND, "A-2": DeviceState.FOUND}):
            link = phone.connect()
            assert link.shell("getprop ro.serialno").stdout.strip() == phone.serial
            link.close()


def test_a_connected_phone_is_not_connected_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address_watch, "SIGN_OF_LIFE_EVERY_S", 1e9)
    with (
        running([persona("B-1")], tmp_path) as rack,
        watching(tmp_path, *rack.addresses) as discovery,
    ):
        until(lambda: states(discovery.poll()) == {"B-1": DeviceState.FOUND})
        (watch,) = discovery._watches
        assert isinstance(watch, AddressWatch)
        before = watch._source._socket._socket
        assert before is not None
        for _ in range(3):
            discovery.poll()
        assert watch._source._socket._socket is before


def test_a_phone_that_vanished_is_lost_with_a_reason_and_the_others_are_not(
    tmp_path: Path,
) -> None:
    with (
        running([persona("C-1"), persona("C-2")], tmp_path) as rack,
        watching(tmp_path, *rack.addresses) as discovery,
    ):
        both = {"C-1": DeviceState.FOUND, "C-2": DeviceState.FOUND}
        until(lambda: states(discovery.poll()) == both)
        rack.kill("C-1")
        now = seen(discovery, both | {"C-1": DeviceState.LOST})
        (lost,) = [phone for phone in now if phone.serial == "C-1"]
        assert "refused" in reason_text(lost.reason)


def test_a_phone_waits_for_its_owner_and_is_found_once_accepted(tmp_path: Path) -> None:
    with (
        running([persona("D-1", accept_keys="ask")], tmp_path) as rack,
        watching(tmp_path, *rack.addresses) as discovery,
    ):
        address = rack.addresses[0]
        (asked,) = seen(discovery, {address: DeviceState.UNAUTHORIZED})
        assert "tap Allow" in reason_text(asked.reason)

        def accepted() -> bool:
            rack.accept_key("D-1")  # does nothing before the key has come
            return states(discovery.poll()) == {"D-1": DeviceState.FOUND}

        until(accepted)


def test_a_silent_address_is_lost_and_holds_nobody_up(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        running([persona("E-1")], tmp_path) as rack,
    ):
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with watching(tmp_path, address, *rack.addresses) as discovery:
            wanted = {address: DeviceState.LOST, "E-1": DeviceState.FOUND}
            assert "does not answer" in reason_text(seen(discovery, wanted)[0].reason)


def test_garbage_from_an_address_is_a_lost_phone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web_server:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = web_server.accept()
                    with peer:
                        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                        while peer.recv(1024):
                            pass

        answering = threading.Thread(target=answer)
        answering.start()
        address = f"127.0.0.1:{web_server.getsockname()[1]}"
        with watching(tmp_path, address) as discovery:
            until(lambda: "ADB protocol" in reason_text(discovery.poll()[0].reason))
            assert states(discovery.poll()) == {address: DeviceState.LOST}
        web_server.shutdown(socket.SHUT_RDWR)
        answering.join()


def test_a_phone_seen_in_two_ways_is_told_once_by_the_server(tmp_path: Path) -> None:
    with (
        private_adb_server(tmp_path) as server,
        running([persona("F-1"), persona("F-2")], tmp_path) as rack,
    ):
        let_in(server, rack.addresses[0])
        rack_of = RackDefinition("two ways", True, 1.0, servers=((server.host, server.port),))
        with watching(tmp_path, *rack.addresses, definition=rack_of) as discovery:
            wanted = {"F-1": server.name, "F-2": f"loopback {rack.addresses[1]}"}

            def phones() -> dict[str, tuple[str, DeviceState]]:
                return {p.serial: (p.transport, p.state) for p in discovery.poll()}

            until(lambda: phones() == {s: (way, DeviceState.FOUND) for s, way in wanted.items()})
            link = discovery.poll()[0].connect()
            assert link.shell("getprop ro.serialno").stdout.strip() == "F-1"
            rack.kill("F-1")
            until(lambda: states(discovery.poll()).get("F-1") is DeviceState.LOST)


def test_only_usb_phones_belong_to_a_usb_rack(tmp_path: Path) -> None:
    with private_adb_server(tmp_path) as server, running([persona("G-1")], tmp_path) as rack:
        let_in(server, rack.addresses[0])
        servers = ((server.host, server.port),)
        wifi = RackDefinition("wifi", False, 0.1, servers=servers, reach=Reach.WIFI)
        usb = RackDefinition("usb", False, 0.1, servers=servers, reach=Reach.USB)
        with watching(tmp_path, definition=wifi) as discovery:
            until(lambda: states(discovery.poll()) == {"G-1": DeviceState.FOUND})
        with watching(tmp_path, definition=usb) as discovery:
            assert discovery.poll() == ()


def test_no_server_is_a_notice_and_none_is_started(tmp_path: Path) -> None:
    port = free_port()
    definition = RackDefinition("none", False, 0.1, servers=(("127.0.0.1", port),))
    with watching(tmp_path, definition=definition) as discovery:
        until(lambda: any(str(port) in notice for notice in tell(discovery)))
        assert discovery.poll() == ()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_paired_phone_is_found_where_it_is_advertised_and_follows_its_port(
    tmp_path: Path,
) -> None:
    ours, paired = key(tmp_path), PairedPhones(tmp_path / "keys")
    network = RackDefinition("network", False, 0.1, network=True)
    phones = [persona("H-1", wireless=True)]
    with running(phones, tmp_path) as rack:
        code, port = rack.open_pairing("H-1")
        paired.remember(pair(f"127.0.0.1:{port}", code, ours))
        discovery = Discovery(network, ours, (), paired, "127.0.0.1")
        try:
            (before,) = seen(discovery, {"H-1": DeviceState.FOUND})
            rack.stop()
            seen(discovery, {"H-1": DeviceState.LOST})
            rack.start()
            (after,) = seen(discovery, {"H-1": DeviceState.FOUND})
            assert after.transport != before.transport
        finally:
            discovery.close()


def test_a_strangers_phone_is_not_connected_but_told(tmp_path: Path) -> None:
    network = RackDefinition("network", False, 0.1, network=True)
    with running([persona("I-1", wireless=True)], tmp_path):
        discovery = Discovery(network, key(tmp_path), (), PairedPhones(tmp_path), "127.0.0.1")
        try:
            until(lambda: any("shardloom pair" in notice for notice in tell(discovery)))
            assert discovery.poll() == ()
        finally:
            discovery.close()


def tell(discovery: Discovery) -> tuple[str, ...]:
    discovery.poll()
    return tuple(map(fact_text, discovery.notices))


def test_a_32_bit_phone_is_told_why_it_cannot_work(tmp_path: Path) -> None:
    with running([persona("J-1")], tmp_path) as rack:
        properties = tmp_path / "phones/J-1/rootfs/system/build.prop"
        text = properties.read_text()
        line = next(line for line in text.splitlines() if line.startswith("ro.product.cpu.abi="))
        properties.write_text(text.replace(line, "ro.product.cpu.abi=armeabi-v7a"))
        with watching(tmp_path, *rack.addresses) as discovery:
            (unsuitable,) = seen(discovery, {"J-1": DeviceState.UNSUITABLE})
            assert "32-bit" in reason_text(unsuitable.reason)


def test_news_from_a_server_wakes_whoever_waits(tmp_path: Path) -> None:
    with private_adb_server(tmp_path) as server, running([persona("K-1")], tmp_path) as rack:
        servers = ((server.host, server.port),)
        definition = RackDefinition("server", False, 0.1, servers=servers)
        with watching(tmp_path, definition=definition) as discovery:
            assert discovery.wait_for_news(NEWS_TIMEOUT_S)
            let_in(server, rack.addresses[0])
            assert discovery.wait_for_news(NEWS_TIMEOUT_S)
            until(lambda: states(discovery.poll()) == {"K-1": DeviceState.FOUND})


def test_many_adb_servers_are_one_rack_and_a_phone_of_two_moves_to_the_one_that_keeps_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "other").mkdir()
    with (
        private_adb_server(tmp_path) as one,
        private_adb_server(tmp_path / "other") as other,
        running([persona("L-1"), persona("L-2"), persona("L-3")], tmp_path) as rack,
    ):
        first, second, both = rack.addresses
        let_in(one, first, both)
        let_in(other, second, both)
        definition = load_rack(f"server:localhost:{one.port},server:127.0.0.1:{other.port}", RACKS)
        with watching(tmp_path, definition=definition) as discovery:
            found = DeviceState.FOUND
            phones = seen(discovery, {"L-1": found, "L-3": found, "L-2": found})
            before = {phone.serial: phone for phone in phones}[Serial("L-3")]
            one.disconnect(both)
            until(lambda: connects(discovery, "L-3", unlike=before))


def connects(discovery: Discovery, serial: str, *, unlike: FoundPhone) -> bool:
    """Tell whether the phone is found, by another way than before, and answers."""
    phone = {phone.serial: phone for phone in discovery.poll()}[Serial(serial)]
    if phone.state is not DeviceState.FOUND or phone.way == unlike.way:
        return False
    try:
        link = phone.connect()
        told = link.shell("getprop ro.serialno").stdout.strip()
    except PhoneLostError:
        return False
    link.close()
    assert told == serial
    return True


def test_a_phone_that_was_away_for_a_moment_is_known_to_need_new_links(tmp_path: Path) -> None:
    with (
        running([persona("M-1")], tmp_path) as rack,
        watching(tmp_path, *rack.addresses) as discovery,
    ):
        (before,) = seen(discovery, {"M-1": DeviceState.FOUND})
        rack.disturb("M-1", Disturbance.ADBD_RESTART)
        until(lambda: connects(discovery, "M-1", unlike=before))


def test_news_comes_by_itself_when_a_phone_appears_and_when_it_dies(tmp_path: Path) -> None:
    news = threading.Event()
    with (
        private_adb_server(tmp_path) as server,
        running([persona("N-1"), persona("N-2")], tmp_path) as rack,
    ):
        servers = ((server.host, server.port),)
        definition = RackDefinition("server", False, 0.1, servers=servers)
        with watching(tmp_path, rack.addresses[1], definition=definition) as discovery:
            until(lambda: states(discovery.poll()) == {"N-2": DeviceState.FOUND})
            discovery.listen(news.set)
            let_in(server, rack.addresses[0])
            until(lambda: told(discovery, news, "N-1", DeviceState.FOUND))
            rack.kill("N-1")
            until(lambda: told(discovery, news, "N-1", DeviceState.LOST))
            rack.kill("N-2")
            until(lambda: states(discovery.look()).get(Serial("N-2")) is DeviceState.LOST)


def told(discovery: Discovery, news: threading.Event, serial: str, state: DeviceState) -> bool:
    """Look only when there was news, as the rack does."""
    if not news.wait(0.02):
        return False
    news.clear()
    return states(discovery.look()).get(serial) is state


def test_googles_server_gives_a_phone_by_its_connections_number(tmp_path: Path) -> None:
    with (
        private_adb_server(tmp_path) as server,
        running([persona("N-1"), persona("N-2")], tmp_path) as rack,
    ):
        let_in(server, *rack.addresses)
        rows = {row.serial: row for row in server.devices()}
        assert set(rows) == set(rack.addresses)
        for address, serial in zip(rack.addresses, ("N-1", "N-2"), strict=True):
            source = ServerSource(server, "a serial number of several", rows[address].transport_id)
            try:
                shell = AdbLink(source).shell("getprop ro.serialno")
                assert shell.stdout.strip() == serial
                port = source.forward_there(5555)
                assert source.forward_there(5555) == port
                assert source.mend_forwards() == 0
            finally:
                source.close()
