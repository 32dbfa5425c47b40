"""Malformed ADB packets and sync frames, to the virtual phone and to our own side of a link.

A short run here. `SHARDLOOM_FUZZ=1000000` in the environment sends as many as wanted (with
`--timeout 0`), `SHARDLOOM_FUZZ_SEED` chooses others, and `--log-level=INFO -rP` shows the memory.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from app.core.errors import ShardloomError
from app.devices.adb.sync_service import list_folder, pull_file, push_file, stat_file
from app.devices.links.pairing import pair
from app.devices.links.session_source import SessionSource
from app.devices.links.tcp_link import connect_tcp
from app.devices.wireless.start_tls import STLS_PACKET
from app.virtual.adbd.packets import AdbCommand, Packet, encode
from app.virtual.rack import VirtualRack
from tests.integration.devices.rack import key, persona, running, until

pytestmark = pytest.mark.usefixtures("patient")
CASES = int(os.environ.get("SHARDLOOM_FUZZ", "4000"))
SEED = int(os.environ.get("SHARDLOOM_FUZZ_SEED", "20261122"))
PACKETS_PER_CONNECTION = 200
PACKETS_OF_A_STRANGER = 10
MAXIMUM_GROWTH_BYTES = 64_000_000
SERIAL = "FUZZ-1"
TIMEOUT_S = 60.0
STREAMS_AT_ONCE = 4
END_OF_SYNC = b"X" * 2048
"""Whatever a wrong length has swallowed before, this is no request: the phone ends the stream."""
PROPER_BANNER = Packet(AdbCommand.CNXN, 0x01000001, 1 << 20, b"host::\0")
_log = logging.getLogger(__name__)


@contextmanager
def without_growing(process: psutil.Process) -> Iterator[None]:
    """Let something happen to a process that must survive it in the memory it had."""
    before_bytes = process.memory_info().rss
    yield
    assert process.is_running()
    after_bytes = process.memory_info().rss
    _log.info("memory %.1f MB, then %.1f MB", before_bytes / 1e6, after_bytes / 1e6)
    assert after_bytes - before_bytes < MAXIMUM_GROWTH_BYTES


def process_of(rack: VirtualRack) -> psutil.Process:
    return psutil.Process(rack._phones[SERIAL].process.pid)


def malformed(random_source: random.Random) -> bytes:
    """Return a packet that is wrong in one of the ways a packet can be."""
    command = random_source.choice([*AdbCommand, random_source.getrandbits(32)])
    payload = random_source.randbytes(random_source.choice([0, 1, 20, 24, 524, 3000]))
    numbers = [random_source.choice([0, 1, 2, 0xFFFFFFFF, 4096]) for _ in range(2)]
    data = bytearray(
        struct.pack("<6I", command, *numbers, len(payload), sum(payload), command ^ 0xFFFFFFFF)
        + payload
    )
    match random_source.randrange(4):
        case 0:
            data[random_source.randrange(len(data))] ^= 1 << random_source.randrange(8)
        case 1:
            del data[random_source.randrange(len(data)) :]
        case 2:
            data[12:16] = random_source.randbytes(4)
    return bytes(data)


def malformed_packets(random_source: random.Random) -> bytes:
    return b"".join(malformed(random_source) for _ in range(PACKETS_OF_A_STRANGER))


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[VirtualRack]:
    with running([persona(SERIAL, accept_keys="ask")], tmp_path) as rack:
        yield rack


def send_all(address: tuple[str, int], data: bytes) -> None:
    """Send, read what comes back for a moment's courtesy, and leave."""
    with socket.create_connection(address) as connection, suppress(OSError):
        connection.settimeout(5)
        connection.sendall(encode(PROPER_BANNER, with_checksum=True) + data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass


def test_a_phone_survives_malformed_packets_without_growing(
    phone: VirtualRack, tmp_path: Path
) -> None:
    host, port = phone.addresses[0].split(":")
    source = random.Random(SEED)  # noqa: S311 - not secret
    with without_growing(process_of(phone)):
        for _ in range(CASES // PACKETS_OF_A_STRANGER):
            send_all((host, int(port)), malformed_packets(source))
    accepted = threading.Event()
    accepting = threading.Thread(target=accept_until, args=(phone, accepted))
    accepting.start()
    try:
        link = connect_tcp(phone.addresses[0], key(tmp_path), authorization_timeout_s=TIMEOUT_S)
    finally:
        accepted.set()
        accepting.join()
    assert link.shell("echo alive").stdout == "alive\n"
    link.close()


def accept_until(rack: VirtualRack, accepted: threading.Event) -> None:
    while not accepted.wait(0.05):
        rack.accept_key(SERIAL)


def test_a_phone_that_is_online_survives_packets_that_make_no_sense(
    tmp_path: Path,
) -> None:
    source = random.Random(SEED)  # noqa: S311 - not secret
    commands = (AdbCommand.OPEN, AdbCommand.OKAY, AdbCommand.WRTE, AdbCommand.CLSE)
    with running([persona(SERIAL)], tmp_path) as rack:
        with without_growing(process_of(rack)):
            for _ in range(CASES // PACKETS_PER_CONNECTION):
                link = connect_tcp(rack.addresses[0], key(tmp_path))
                assert isinstance(link._source, SessionSource)
                with suppress(ShardloomError):
                    for _ in range(PACKETS_PER_CONNECTION):
                        first, second = source.randrange(4), source.randrange(4)
                        payload = source.choice([b"", b"sync:\0", source.randbytes(30)])
                        packet = Packet(source.choice(commands), first, second, payload)
                        link._source._packets.bulk_write(
                            encode(packet, with_checksum=True), TIMEOUT_S
                        )
                link.close()
        link = connect_tcp(rack.addresses[0], key(tmp_path))
        assert link.shell("echo alive").stdout == "alive\n"
        link.close()


def test_what_is_no_tls_does_not_end_a_wireless_phone_or_its_pairing(tmp_path: Path) -> None:
    source = random.Random(SEED)  # noqa: S311 - not secret
    with running([persona(SERIAL, wireless=True)], tmp_path) as rack:
        host, port = rack.addresses[0].split(":")
        with without_growing(process_of(rack)):
            for _ in range(CASES // 40):
                send_all((host, int(port)), STLS_PACKET + source.randbytes(source.randrange(200)))
        code, pairing_port = rack.open_pairing(SERIAL)
        for _ in range(5):
            send_all((host, pairing_port), source.randbytes(100))
        pair(f"{host}:{pairing_port}", code, key(tmp_path))
        connect_tcp(rack.addresses[0], key(tmp_path)).close()


def test_sync_frames_that_are_nonsense_do_not_end_the_phone(tmp_path: Path) -> None:
    with running([persona(SERIAL)], tmp_path) as rack:
        link = connect_tcp(rack.addresses[0], key(tmp_path))

        def talk(number: int) -> int:
            talker = SyncNonsense(random.Random(f"{SEED} {number}"))  # noqa: S311 - not secret
            while talker.frames < CASES // STREAMS_AT_ONCE:
                stream = link._source.open("sync:", TIMEOUT_S)
                stream.send(talker.conversation())
                while stream.receive():
                    pass
                stream.close()
            return talker.frames

        with without_growing(process_of(rack)), ThreadPoolExecutor(STREAMS_AT_ONCE) as pool:
            assert sum(pool.map(talk, range(STREAMS_AT_ONCE))) >= CASES
        assert link.shell("echo alive").stdout == "alive\n"
        link.close()
        assert not list((tmp_path / "phones").rglob(".push-*"))


class SyncNonsense:
    """What a computer gone mad says to a phone's file service; counts its frames.

    The service goes on after most of them, and ends the stream after the last.
    """

    def __init__(self, random_source: random.Random) -> None:
        self._random = random_source
        self.frames = 0

    def conversation(self) -> bytes:
        """Return up to 60 frames that make no sense and one that the phone cannot bear."""
        said = b"".join(self._bearable() for _ in range(self._random.randrange(60)))
        return said + self._unbearable() + END_OF_SYNC

    def _bearable(self) -> bytes:
        kind = self._random.choice((b"STAT", b"STA2", b"LST2", b"LIST", b"LIS2", b"RECV", b"SEND"))
        if kind != b"SEND":
            return self._frame(kind, self._random.randbytes(self._random.randrange(300)))
        chunks = (self._chunk() for _ in range(self._random.randrange(4)))
        return self._begin_file() + b"".join(chunks) + self._frame(b"DONE", b"", 0xFFFFFFFF)

    def _begin_file(self) -> bytes:
        path = self._random.choice((b"", b"/", b"..", b"\0", b"/data/local/tmp/file"))
        mode = self._random.choice((b"", b",", b",420", b",-1", b",41471", b",x", b",9" * 20))
        return self._frame(b"SEND", path + mode)

    def _chunk(self) -> bytes:
        return self._frame(b"DATA", self._random.randbytes(self._random.randrange(100)))

    def _unbearable(self) -> bytes:
        body = self._random.randbytes(self._random.randrange(40))
        match self._random.randrange(4):
            case 0:
                return self._frame(self._random.randbytes(4), body)
            case 1:
                size_bytes = self._random.choice((1025, 65536, 0x7FFFFFFF, 0xFFFFFFFF))
                return self._frame(b"STAT", body, size_bytes)
            case 2:
                return self._begin_file() + self._frame(b"DATA", body, 65537)
            case _:
                return self._begin_file() + self._frame(b"LIST", body)

    def _frame(self, kind: bytes, body: bytes, number: int | None = None) -> bytes:
        self.frames += 1
        return kind + struct.pack("<I", len(body) if number is None else number) + body


class Noise:
    """A stream of a phone gone mad; it ends, so that a reader must end too. Counts its frames."""

    def __init__(self, random_source: random.Random) -> None:
        self._random = random_source
        self._left = random_source.randrange(1, 20)
        self.frames = 0

    def send(self, data: bytes) -> None:
        assert data
        self._is_listing = data.startswith(b"LIST")

    def receive(self) -> bytes:
        self._left -= 1
        if self._left < 0:
            return b""
        self.frames += 1
        return self._nonsense() if self._left == 0 else self._plausible()

    def _plausible(self) -> bytes:
        """Return a frame that may be right, about anything."""
        body = self._random.randbytes(self._random.randrange(60))
        if self._is_listing:
            return b"DENT" + self._random.randbytes(12) + struct.pack("<I", len(body)) + body
        return b"DATA" + struct.pack("<I", len(body)) + body

    def _nonsense(self) -> bytes:
        kinds = (b"DATA", b"DONE", b"FAIL", b"OKAY", b"STAT", b"DENT", b"")
        size = struct.pack("<I", self._random.choice([0, 3, 65536, 65537, 0x7FFFFFFF]))
        return self._random.choice(kinds) + size + self._random.randbytes(16)

    def close(self) -> None:
        self._left = 0


def test_our_file_services_take_any_answer_as_an_answer_or_a_lost_phone(tmp_path: Path) -> None:
    source = random.Random(SEED)  # noqa: S311 - not secret
    (tmp_path / "out").write_bytes(b"content")
    actions = (
        lambda stream: stat_file(stream, "/x"),
        lambda stream: list_folder(stream, "/x"),
        lambda stream: pull_file(stream, "/x", tmp_path / "in", 10, None),
        lambda stream: push_file(stream, tmp_path / "out", "/x", 0o644, None),
    )
    frames = 0
    with without_growing(psutil.Process()):
        while frames < CASES:
            noise = Noise(source)
            with suppress(ShardloomError):
                source.choice(actions)(noise)
            frames += noise.frames
    assert not (tmp_path / "in.part").exists()


def test_our_connection_takes_any_packets_as_a_lost_phone(tmp_path: Path) -> None:
    source, ours = random.Random(SEED), key(tmp_path)  # noqa: S311 - not secret
    with socket.create_server(("127.0.0.1", 0)) as phone:
        address = f"127.0.0.1:{phone.getsockname()[1]}"

        def answer() -> None:
            connection, _ = phone.accept()
            with connection, suppress(OSError):
                connection.recv(100)
                connection.sendall(malformed_packets(source))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass

        with without_growing(psutil.Process()):
            for _ in range(CASES // PACKETS_OF_A_STRANGER):
                thread = threading.Thread(target=answer)
                thread.start()
                with suppress(ShardloomError):
                    connect_tcp(address, ours, authorization_timeout_s=0.3).close()
                thread.join()


def test_our_connection_survives_a_phone_that_goes_mad_once_it_is_connected(
    tmp_path: Path,
) -> None:
    source, ours = random.Random(SEED), key(tmp_path)  # noqa: S311 - not secret
    threads = threading.active_count()
    with without_growing(psutil.Process()), socket.create_server(("127.0.0.1", 0)) as phone:
        address = f"127.0.0.1:{phone.getsockname()[1]}"
        for _ in range(max(CASES // PACKETS_PER_CONNECTION, 20)):
            thread = threading.Thread(target=rave, args=(phone, source))
            thread.start()
            with suppress(ShardloomError):
                link = connect_tcp(address, ours)
                with suppress(ShardloomError):
                    link.shell("true", 5.0)
                with suppress(ShardloomError):
                    link.list("/x")
                link.close()
            thread.join()
    until(lambda: threading.active_count() <= threads)


def rave(phone: socket.socket, source: random.Random) -> None:
    """Greet one computer as a phone does, then send it nonsense and leave."""
    banner = Packet(AdbCommand.CNXN, 0x01000000, 1 << 20, b"device::features=shell_v2\0")
    commands = (AdbCommand.OPEN, AdbCommand.OKAY, AdbCommand.WRTE, AdbCommand.CLSE)
    connection, _ = phone.accept()
    with connection, suppress(OSError):
        connection.settimeout(TIMEOUT_S)
        connection.recv(1 << 12)
        connection.sendall(encode(banner, with_checksum=True))
        for _ in range(PACKETS_PER_CONNECTION):
            first, second = source.randrange(4), source.randrange(4)
            payload = source.choice([b"", b"tcp:1\0", source.randbytes(30)])
            sane = Packet(source.choice(commands), first, second, payload)
            insane = source.random() < 1 / PACKETS_PER_CONNECTION
            data = malformed(source) if insane else encode(sane, with_checksum=True)
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass
