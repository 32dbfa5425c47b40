"""Pairing and TLS: our computer's side and Google's against our phone's side."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import BadInputError, PhoneLostError, PhoneUnauthorizedError
from app.devices.errors import PairingError
from app.devices.links.pairing import check_code, pair
from app.devices.links.tcp_link import connect_tcp
from app.virtual.rack import VirtualRack
from tests.integration.devices.rack import key, persona, running
from tests.integration.virtual.rack import GoogleAdb, eventually, google_adb
from tests.saying import raises_saying

pytestmark = pytest.mark.usefixtures("patient")
PLAIN, SECURE, SLOW = "PLAIN-1", "SECURE-2", "SLOW-3"


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualRack]:
    phones = [
        persona(PLAIN),
        persona(SECURE, wireless=True),
        persona(SLOW, wireless=True, link_latency_ms=2, link_mbit_per_second=100),
    ]
    with running(phones, tmp_path_factory.mktemp("rack")) as rack:
        yield rack


def address_of(rack: VirtualRack, serial: str) -> str:
    return rack.addresses[(PLAIN, SECURE, SLOW).index(serial)]


def other_code(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


@pytest.mark.parametrize("serial", [SECURE, SLOW])
def test_a_paired_computer_works_over_tls_and_only_a_paired_one(
    rack: VirtualRack, serial: str, tmp_path: Path
) -> None:
    ours, address = key(tmp_path), address_of(rack, serial)
    with raises_saying(PhoneUnauthorizedError, match="shardloom pair"):
        connect_tcp(address, ours)
    code, port = rack.open_pairing(serial)
    assert pair(f"127.0.0.1:{port}", code, ours).startswith(f"adb-{serial}-")
    link = connect_tcp(address, ours)
    content = os.urandom(2_000_000)
    (tmp_path / "out").write_bytes(content)
    link.push(tmp_path / "out", "/data/local/tmp/file")
    link.pull("/data/local/tmp/file", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    result = link.shell("echo out; echo err >&2; exit 7")
    assert (result.exit_code, result.stdout, result.stderr) == (7, "out\n", "err\n")
    link.close()
    with pytest.raises(PhoneUnauthorizedError):
        connect_tcp(address, key(tmp_path / "stranger"))


def test_nothing_of_a_session_is_readable_on_the_way(rack: VirtualRack, tmp_path: Path) -> None:
    ours, (host, port) = key(tmp_path), address_of(rack, SECURE).split(":")
    code, pairing_port = rack.open_pairing(SECURE)
    pair(f"127.0.0.1:{pairing_port}", code, ours)
    seen = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as between:
        thread = threading.Thread(target=eavesdrop, args=(between, (host, int(port)), seen))
        thread.start()
        link = connect_tcp(f"127.0.0.1:{between.getsockname()[1]}", ours)
        assert link.shell("echo a-secret-word").stdout == "a-secret-word\n"
        link.close()
        thread.join(20)
    assert b"STLS" in seen
    assert b"a-secret-word" not in seen


def eavesdrop(between: socket.socket, phone: tuple[str, int], seen: bytearray) -> None:
    near, _ = between.accept()
    far = socket.create_connection(phone)

    def copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                seen.extend(data)
                target.sendall(data)
        except OSError:
            pass  # the other direction has ended the session
        finally:
            for end in (source, target):
                end.close()

    back = threading.Thread(target=copy, args=(far, near), daemon=True)
    back.start()
    copy(near, far)


def test_a_wrong_code_is_told_and_the_right_one_still_works(
    rack: VirtualRack, tmp_path: Path
) -> None:
    code, port = rack.open_pairing(SECURE)
    address = f"127.0.0.1:{port}"
    with raises_saying(PairingError, match="another code"):
        pair(address, other_code(code), key(tmp_path))
    with pytest.raises(PhoneUnauthorizedError):
        connect_tcp(address_of(rack, SECURE), key(tmp_path))
    pair(address, code, key(tmp_path))


def test_a_closed_window_a_silent_phone_and_another_port_are_told_apart(
    rack: VirtualRack, tmp_path: Path
) -> None:
    ours = key(tmp_path)
    code, port = rack.open_pairing(SECURE)
    pair(f"127.0.0.1:{port}", code, ours)
    assert eventually(lambda: is_closed(port))
    with raises_saying(PhoneLostError, match="No phone pairs at"):
        pair(f"127.0.0.1:{port}", code, ours)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_address = f"127.0.0.1:{silent.getsockname()[1]}"
        with raises_saying(PairingError, match="did not answer in time"):
            pair(silent_address, code, ours, timeout_s=0.3)
    with raises_saying(PairingError, match="not a pairing port"):
        pair(address_of(rack, PLAIN), code, ours)


def is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_phone_that_disappears_while_pairing_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as phone:

        def vanish() -> None:
            connection, _ = phone.accept()
            connection.recv(100)
            connection.close()

        thread = threading.Thread(target=vanish)
        thread.start()
        with raises_saying(PairingError, match="ended the pairing"):
            pair(f"127.0.0.1:{phone.getsockname()[1]}", "123456", key(tmp_path))
        thread.join()


def test_a_phone_without_wireless_debugging_does_not_pair(rack: VirtualRack) -> None:
    with raises_saying(BadInputError, match="no wireless debugging"):
        rack.open_pairing(PLAIN)
    with raises_saying(BadInputError, match="QR code"):
        rack.scan(SECURE, "WIFI:T:WPA;S:cafe;P:guest;;")


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345a", "\uff11" * 6])
def test_what_is_no_code_is_refused_before_anything_is_sent(text: str) -> None:
    with raises_saying(BadInputError, match="six digits"):
        check_code(text)
    assert check_code("123 456") == "123456"


@pytest.fixture(scope="module")
def adb() -> Iterator[GoogleAdb]:
    with google_adb() as adb:
        yield adb


def test_googles_adb_pairs_and_connects_to_our_phone(
    adb: GoogleAdb, rack: VirtualRack, tmp_path: Path
) -> None:
    address = address_of(rack, SECURE)
    code, port = rack.open_pairing(SECURE)
    wrong = adb.run("pair", f"127.0.0.1:{port}", other_code(code))
    assert b"Successfully" not in wrong.stdout
    assert b"connected to" not in adb.run("connect", address).stdout
    adb.run("disconnect", address)
    paired = adb.run("pair", f"127.0.0.1:{port}", code)
    assert b"Successfully paired" in paired.stdout, (paired.stdout, paired.stderr)
    assert eventually(lambda: adb.reaches(address, "device"))
    content = os.urandom(1_000_000)
    (tmp_path / "out").write_bytes(content)
    assert adb.on(address, "push", str(tmp_path / "out"), "/sdcard/file").returncode == 0
    assert adb.on(address, "exec-out", "cat /sdcard/file").stdout == content
    assert adb.on(address, "shell", "exit 7").returncode == 7
    adb.run("disconnect", address)
