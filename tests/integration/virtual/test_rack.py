"""Virtual phones as processes: limits, hostile peers, coming, going and being left alone."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import zmq
from adb_shell.adb_device import AdbDeviceTcp
from adb_shell.auth.keygen import keygen
from adb_shell.auth.sign_cryptography import CryptographySigner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import BadInputError, PhoneLostError
from app.virtual.adbd.packets import AdbCommand, Packet, encode
from app.virtual.rack import VirtualRack
from tests.integration.virtual.rack import eventually, persona, running
from tests.saying import raises_saying

FREE, HELD = "FREE-1", "HELD-2"
TIMEOUT_S = 60.0
PRINT_PROCESSOR_TIME = (
    "import time\n"
    "end = time.monotonic() + 1.5\n"
    "while time.monotonic() < end: pass\n"
    "print(time.process_time())\n"
)


class Computer:
    """A client of the older protocol, with checksums and shell v1, by the adb-shell package."""

    def __init__(self, folder: Path) -> None:
        self._key = folder / "adbkey"
        if not self._key.exists():
            keygen(str(self._key))

    def connect(self, address: str) -> AdbDeviceTcp:
        host, _, port = address.partition(":")
        device = AdbDeviceTcp(host, int(port), default_transport_timeout_s=TIMEOUT_S)
        assert device.connect(
            rsa_keys=[CryptographySigner(str(self._key))], auth_timeout_s=TIMEOUT_S
        )
        return device


@pytest.fixture(scope="module")
def computer(tmp_path_factory: pytest.TempPathFactory) -> Computer:
    return Computer(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualRack]:
    with running(
        tmp_path_factory.mktemp("rack"),
        persona(FREE, battery_percent=63, battery_watt_hours=1000, heat_time_constant_s=100_000),
        persona(HELD, cpu_share=0.2, link_latency_ms=20, link_mbit_per_second=100),
    ) as rack:
        yield rack


@pytest.fixture(scope="module")
def device(rack: VirtualRack, computer: Computer) -> Iterator[AdbDeviceTcp]:
    device = computer.connect(rack.addresses[0])
    yield device
    device.close()


@pytest.fixture(scope="module")
def held(rack: VirtualRack, computer: Computer) -> Iterator[AdbDeviceTcp]:
    device = computer.connect(rack.addresses[1])
    yield device
    device.close()


def test_a_client_of_the_older_protocol_can_use_it(device: AdbDeviceTcp, tmp_path: Path) -> None:
    assert device.shell("echo mixed; echo too >&2") == "mixed\ntoo\n"
    payload = os.urandom(400_000)
    (tmp_path / "out").write_bytes(payload)
    device.push(str(tmp_path / "out"), "/data/local/tmp/file", st_mode=0o100755, mtime=1234)
    mode, size_bytes, modified_s = device.stat("/data/local/tmp/file")
    assert (stat.S_IMODE(mode), size_bytes, modified_s) == (0o755, len(payload), 1234)
    assert b"file" in {bytes(entry.filename) for entry in device.list("/data/local/tmp")}
    device.pull("/data/local/tmp/file", str(tmp_path / "in"))
    assert (tmp_path / "in").read_bytes() == payload


def test_it_answers_as_its_persona(device: AdbDeviceTcp) -> None:
    assert device.shell("getprop ro.product.model").strip() == "Test Phone"
    assert "[ro.serialno]: [FREE-1]" in device.shell("getprop")
    assert device.shell("getprop no.such.thing fallback").strip() == "fallback"
    assert "  level: 63\n" in device.shell("dumpsys battery")
    assert "Current temperatures from HAL:" in device.shell("dumpsys thermalservice")
    assert device.shell("cat /sys/class/thermal/thermal_zone0/temp").strip() == "30000"
    assert device.shell("nproc").strip() == "4"
    assert "inet 127.0.0.1/8" in device.shell("ip -4 addr show wlan0")
    assert device.shell("dumpsys battery set level 9; dumpsys battery | grep level").split() == [
        "level:",
        "9",
    ]


def test_the_environment_of_the_host_does_not_leak(
    device: AdbDeviceTcp, held: AdbDeviceTcp
) -> None:
    names = {line.partition("=")[0] for line in device.shell("env").splitlines()}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {
        "PATH",
        "HOME",
        "TMPDIR",
        "ANDROID_DATA",
        "ANDROID_ROOT",
        "LANG",
    }
    assert held.shell("echo $ALL_PROXY").startswith("socks5h://127.0.0.1:")


def test_memory_that_a_program_holds_is_no_longer_available(device: AdbDeviceTcp) -> None:
    def available_bytes() -> int:
        return int(device.shell("grep MemAvailable /proc/meminfo").split()[1]) * 1024

    before = available_bytes()
    device.shell(
        "python3 -c 'import time; held = bytearray(200_000_000); time.sleep(600)' "
        "</dev/null >/dev/null 2>&1 & echo $! >/data/local/tmp/holder"
    )
    assert eventually(lambda: before - available_bytes() > 200_000_000)
    device.shell("kill $(cat /data/local/tmp/holder)")
    assert eventually(lambda: before - available_bytes() < 100_000_000)


def test_what_is_enforced_is_said_in_plain_lines(held: AdbDeviceTcp) -> None:
    lines = held.shell("getprop ro.shardloom.limits").strip().split(";")
    assert [line.partition(":")[0] for line in lines] == ["Processor", "Memory", "Link"]
    assert "20 % of one host core" in lines[0]
    assert "20 ms and 100 Mbit/s on ADB and Wi-Fi, both ways" in lines[2]


def test_a_program_gets_no_more_than_its_share_of_a_core(held: AdbDeviceTcp) -> None:
    def used_s() -> float:
        return float(held.shell(f"python3 -c '{PRINT_PROCESSOR_TIME}'", read_timeout_s=TIMEOUT_S))

    assert eventually(lambda: 0 < used_s() < 0.2 * 1.5 * 2)


def test_zeromq_reaches_out_through_the_slow_link(held: AdbDeviceTcp) -> None:
    proxy = held.shell("echo $ALL_PROXY").strip().removeprefix("socks5h://")
    with zmq.Context() as context, context.socket(zmq.REP) as far, context.socket(zmq.REQ) as near:
        port = far.bind_to_random_port("tcp://127.0.0.1")
        near.setsockopt(zmq.SOCKS_PROXY, proxy.encode())
        for end in (far, near):
            end.setsockopt(zmq.RCVTIMEO, int(TIMEOUT_S * 1000))
            end.setsockopt(zmq.LINGER, 0)
        near.connect(f"tcp://127.0.0.1:{port}")
        near.send(b"first")
        assert far.recv() == b"first"
        began_s = time.monotonic()
        far.send(os.urandom(100_000))
        assert len(near.recv()) == 100_000
        assert time.monotonic() - began_s >= 0.02 + 100_000 * 8 / 100e6


def _send_and_wait_for_close(address: str, data: bytes) -> None:
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except ConnectionError:
            return


CONNECT = encode(Packet(AdbCommand.CNXN, 0x01000001, 1 << 20, b"host::\0"), with_checksum=True)
hostile = st.binary(max_size=200) | st.lists(
    st.builds(
        Packet,
        st.sampled_from(AdbCommand),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFFFFFF),
        st.binary(max_size=50),
    ).map(lambda packet: encode(packet, with_checksum=True)),
    max_size=4,
).map(b"".join)


@given(st.sampled_from([b"", CONNECT]), hostile)
@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_hostile_peer_is_cut_off_and_the_phone_goes_on(
    rack: VirtualRack, device: AdbDeviceTcp, start: bytes, rest: bytes
) -> None:
    _send_and_wait_for_close(rack.addresses[0], start + rest)
    assert device.shell("echo well") == "well\n"


def test_a_payload_that_claims_too_much_is_cut_off_at_its_header(rack: VirtualRack) -> None:
    header = bytearray(CONNECT[:24])
    header[12:16] = (1 << 31).to_bytes(4, "little")
    host, _, port = rack.addresses[0].partition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as client:
        client.sendall(header)
        assert client.recv(10) == b""


def test_phones_stay_away_from_the_ports_of_emulators(rack: VirtualRack) -> None:
    ports = {int(address.partition(":")[2]) for address in rack.addresses}
    assert ports.isdisjoint(range(5555, 5586))


def test_stopping_ends_everything_and_the_files_stay(tmp_path: Path, computer: Computer) -> None:
    with running(tmp_path, persona("STOP-1"), persona("STOP-2")) as rack:
        started = [_start_worker(computer, address) for address in rack.addresses]
        assert all(psutil.pid_exists(process) for process in started)
    assert not any(_is_alive(process) for process in started)
    assert rack.addresses == ()
    with running(tmp_path, persona("STOP-1")) as rack:
        device = computer.connect(rack.addresses[0])
        assert device.shell("cat /data/local/tmp/kept") == "kept\n"
        device.close()


def test_a_killed_phone_vanishes_with_its_programs_and_the_others_stay(
    tmp_path: Path, computer: Computer
) -> None:
    with running(tmp_path, persona("KILL-1"), persona("KILL-2")) as rack:
        first, second = (_start_worker(computer, address) for address in rack.addresses)
        gone, stays = rack.addresses
        rack.kill("KILL-1")
        assert not _is_alive(first)
        assert _is_alive(second)
        assert rack.addresses == (stays,)
        host, _, port = gone.partition(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=TIMEOUT_S)


def test_phones_end_with_their_programs_when_their_owner_is_killed(
    tmp_path: Path, computer: Computer
) -> None:
    owner = subprocess.Popen(
        (sys.executable, "-c", _OWNER, str(tmp_path), persona("LEFT-1").to_json()),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    try:
        address, phone = owner.stdout.readline().split()
        worker = _start_worker(computer, address)
    finally:
        owner.kill()
        owner.communicate()
    assert eventually(lambda: not _is_alive(worker) and not _is_alive(int(phone)))


_OWNER = """
import pathlib, sys, time, psutil
from app.virtual.persona import Persona
from app.virtual.rack import VirtualRack
rack = VirtualRack((Persona.from_json(sys.argv[2]),), pathlib.Path(sys.argv[1]))
print(rack.start()[0], psutil.Process().children()[0].pid, flush=True)
time.sleep(600)
"""


def test_programs_of_a_crashed_phone_are_ended_by_its_next_start(
    tmp_path: Path, computer: Computer
) -> None:
    with running(tmp_path, persona("CRASH-1")) as rack:
        left = _start_worker(computer, rack.addresses[0])
        phone = rack._phones["CRASH-1"].process
        phone.kill()
        phone.wait()
        assert _is_alive(left)
        with running(tmp_path, persona("CRASH-1")):
            assert not _is_alive(left)


def test_a_folder_may_be_named_from_where_the_program_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with running(Path("here"), persona("NEAR-1")):
        assert (tmp_path / "here" / "NEAR-1" / "rootfs" / "system" / "build.prop").is_file()


def test_no_key_can_be_accepted_on_a_phone_that_is_gone(tmp_path: Path) -> None:
    with running(tmp_path, persona("GONE-1")) as rack:
        rack.kill("GONE-1")
        with raises_saying(PhoneLostError, match="GONE-1 is not running"):
            rack.accept_key("GONE-1")


def test_a_folder_in_use_is_refused_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path, persona("BUSY-1")):
        second = VirtualRack((persona("BUSY-1"),), tmp_path)
        with raises_saying(PhoneLostError, match=r"^BUSY-1 did not start: BUSY-1 is in use"):
            second.start()


def test_a_damaged_key_file_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "KEYS-1").mkdir()
    (tmp_path / "KEYS-1" / "adb_keys").write_text("not a key\n")
    with raises_saying(PhoneLostError, match="no ADB key"):
        VirtualRack((persona("KEYS-1"),), tmp_path).start()


def test_two_phones_of_one_serial_are_refused(tmp_path: Path) -> None:
    with raises_saying(BadInputError, match="same serial"):
        VirtualRack((persona("TWIN-1"), persona("TWIN-1")), tmp_path)


def _start_worker(computer: Computer, address: str) -> int:
    """Start a program as the host starts its worker, let go of the phone, return its process id."""
    device = computer.connect(address)
    answer = device.shell(
        "cd /data/local/tmp && echo kept >kept && trap '' HUP; "
        "setsid sleep 600 </dev/null >worker.log 2>&1 & echo $!"
    )
    device.close()
    return int(answer)


def _is_alive(process_id: int) -> bool:
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
