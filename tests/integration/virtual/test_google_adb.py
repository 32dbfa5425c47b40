"""Google's own adb client can use a virtual phone as any other."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.virtual.rack import VirtualRack
from tests.integration.virtual.rack import GoogleAdb, eventually, google_adb, persona, running

TIMEOUT_S = 60.0
FREE, SLOW, SHY = "FREE-1", "SLOW-2", "SHY-3"


@pytest.fixture(scope="module")
def adb() -> Iterator[GoogleAdb]:
    with google_adb() as adb:
        yield adb


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualRack]:
    with running(
        tmp_path_factory.mktemp("rack"),
        persona(FREE, name="Pixel 7 Pro"),
        persona(SLOW, link_latency_ms=1, link_mbit_per_second=200),
        persona(SHY, accept_keys="ask"),
    ) as rack:
        yield rack


@pytest.fixture(scope="module", params=[0, 1], ids=["loopback", "shaped"])
def phone(request: pytest.FixtureRequest, adb: GoogleAdb, rack: VirtualRack) -> str:
    address: str = rack.addresses[request.param]
    adb.connect(address)
    return address


def test_it_is_listed_with_its_model(adb: GoogleAdb, rack: VirtualRack) -> None:
    adb.connect(rack.addresses[0])
    listed = adb.run("devices", "-l").stdout.decode()
    assert f"{rack.addresses[0]} " in listed
    assert "model:Pixel_7_Pro device:pixel_7_pro" in listed


def test_a_shell_has_an_exit_code_and_its_errors_apart(adb: GoogleAdb, phone: str) -> None:
    done = adb.on(phone, "shell", "echo fine; echo trouble >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"fine\n", b"trouble\n")


def test_a_command_reads_what_it_is_given_to_the_end(adb: GoogleAdb, phone: str) -> None:
    given = os.urandom(300_000)
    assert adb.on(phone, "shell", "-T", "cat", given=given).stdout == given


def test_exec_out_passes_bytes_untouched(adb: GoogleAdb, phone: str) -> None:
    assert adb.on(phone, "exec-out", r"printf 'a\r\n\000b'").stdout == b"a\r\n\0b"


def test_five_megabytes_survive_push_and_pull(adb: GoogleAdb, phone: str, tmp_path: Path) -> None:
    payload = os.urandom(5_000_000)
    (tmp_path / "out").write_bytes(payload)
    (tmp_path / "out").chmod(0o755)
    pushed = adb.on(phone, "push", str(tmp_path / "out"), "/data/local/tmp/new/folder/file")
    assert pushed.returncode == 0, pushed.stderr
    assert adb.shell(phone, "stat -c '%s %a' /data/local/tmp/new/folder/file") == "5000000 755\n"
    pulled = adb.on(phone, "pull", "/data/local/tmp/new/folder/file", str(tmp_path / "in"))
    assert pulled.returncode == 0, pulled.stderr
    assert (tmp_path / "in").read_bytes() == payload


def test_a_folder_is_pushed_and_listed(adb: GoogleAdb, phone: str, tmp_path: Path) -> None:
    source = tmp_path / "many"
    source.mkdir()
    for index in range(20):
        (source / f"file {index}").write_text(str(index))
    assert adb.on(phone, "push", str(source), "/sdcard/").returncode == 0
    listed = adb.on(phone, "ls", "/sdcard/many").stdout.decode()
    assert all(f"file {index}\n" in listed for index in range(20))


def test_a_forward_reaches_a_port_of_the_phone(adb: GoogleAdb, phone: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = listener.getsockname()[1]

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())

        threading.Thread(target=answer, daemon=True).start()
        forwarded = adb.on(phone, "forward", "tcp:0", f"tcp:{target}")
        port = int(forwarded.stdout)
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
            client.sendall(b"through the tunnel")
            assert client.recv(100) == b"THROUGH THE TUNNEL"
            assert client.recv(100) == b""


def test_a_reverse_tunnel_reaches_a_port_of_the_computer_until_it_is_taken_away(
    adb: GoogleAdb, phone: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = listener.getsockname()[1]

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())

        threading.Thread(target=answer, daemon=True).start()
        port = int(adb.on(phone, "reverse", "tcp:0", f"tcp:{target}").stdout)
        assert f"tcp:{port} tcp:{target}\n" in adb.on(phone, "reverse", "--list").stdout.decode()
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
            client.sendall(b"out of the phone")
            assert client.recv(100) == b"OUT OF THE PHONE"
            assert client.recv(100) == b""
    rebound = adb.on(phone, "reverse", "--no-rebind", f"tcp:{port}", "tcp:1")
    assert b"cannot rebind" in rebound.stderr
    assert adb.on(phone, "reverse", "--remove", f"tcp:{port}").returncode == 0
    assert adb.on(phone, "reverse", "--remove", f"tcp:{port}").returncode != 0
    assert adb.on(phone, "reverse", "--remove-all").returncode == 0
    assert socket.socket().connect_ex(("127.0.0.1", port)) != 0


def test_many_shells_run_at_once(adb: GoogleAdb, phone: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: adb.shell(phone, f"echo {n}"), range(24)))
    assert answers == [f"{n}\n" for n in range(24)]


def test_a_program_started_by_the_launch_line_outlives_the_connection(
    adb: GoogleAdb, phone: str
) -> None:
    launch = "mkdir -p /data/local/tmp/w && cd /data/local/tmp/w && trap '' HUP; "
    process = adb.shell(phone, launch + "setsid sleep 600 </dev/null >log 2>&1 & echo $!").strip()
    adb.run("disconnect", phone)
    adb.connect(phone)
    assert adb.on(phone, "shell", f"kill -0 {process}").returncode == 0
    adb.shell(phone, f"kill {process}")
    assert eventually(lambda: adb.on(phone, "shell", f"kill -0 {process}").returncode != 0)


def test_a_program_in_the_foreground_ends_with_its_connection(adb: GoogleAdb, phone: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(adb.on, phone, "shell", "echo $$ >/sdcard/held; exec sleep 600")
        assert eventually(lambda: adb.on(phone, "shell", "test -s /sdcard/held").returncode == 0)
        process = adb.shell(phone, "cat /sdcard/held; rm /sdcard/held").strip()
        adb.run("disconnect", phone)
        held.result(TIMEOUT_S)
    adb.connect(phone)
    assert eventually(lambda: adb.on(phone, "shell", f"kill -0 {process}").returncode != 0)


def test_nothing_outside_the_phone_can_be_pulled(
    adb: GoogleAdb, phone: str, tmp_path: Path
) -> None:
    adb.shell(phone, "ln -sf /etc /data/local/tmp/etc")
    for path in ("/data/local/tmp/etc/hostname", "/../../../../etc/hostname"):
        assert adb.on(phone, "pull", path, str(tmp_path / "stolen")).returncode != 0
    pushed = adb.on(phone, "push", __file__, "/data/local/tmp/etc/shardloom-test")
    assert pushed.returncode != 0
    assert not Path("/etc/shardloom-test").exists()


def test_services_that_are_not_there_are_refused(adb: GoogleAdb, phone: str) -> None:
    assert b"closed" in adb.on(phone, "reboot").stderr
    assert b"production" in adb.on(phone, "root").stdout


def test_a_computer_is_unauthorised_until_its_key_is_accepted(
    adb: GoogleAdb, rack: VirtualRack
) -> None:
    address = rack.addresses[2]
    assert eventually(lambda: adb.reaches(address, "unauthorized"))
    assert adb.on(address, "shell", "id").returncode != 0

    def accepted() -> bool:
        rack.accept_key(SHY)  # does nothing before the key has come
        return adb.state(address) == "device"

    assert eventually(accepted)
    assert adb.shell(address, "getprop ro.serialno") == f"{SHY}\n"
    adb.run("disconnect", address)
    adb.connect(address)


def test_a_shell_can_have_a_terminal(adb: GoogleAdb, phone: str) -> None:
    done = adb.on(phone, "shell", "-tt", "tty; ps -o tty= -p $$; exit 3")
    assert done.returncode == 3
    name, own, *_ = done.stdout.decode().split()
    assert name == f"/dev/{own}"


def test_a_person_can_type_into_a_shell(adb: GoogleAdb, phone: str) -> None:
    done = adb.on(phone, "shell", "-tt", given=b"echo $((6 * 7))\nexit 5\n")
    assert done.returncode == 5
    assert b"42\r\n" in done.stdout
