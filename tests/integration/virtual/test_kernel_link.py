"""A phone's Wi-Fi held by Linux itself, where this machine lets us; else the phone says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.devices.condition.probe import wifi_address
from app.devices.links.adb_link import AdbLink
from app.devices.links.tcp_link import connect_tcp
from tests.integration.devices.rack import key, persona, running

pytestmark = [
    pytest.mark.usefixtures("patient"),
]
MBIT = 8
SENT_BYTES = 1_000_000
FAST_ENOUGH = 1.5
"""A bucket of tokens lets the first bytes through at once."""

SERVER = (
    "import socket, time\n"
    'server = socket.create_server(("{address}", 0))\n'
    "print(server.getsockname()[1], flush=True)\n"
    "peer, _ = server.accept()\n"
    "taken = 0\n"
    "while taken < {size}: taken += len(peer.recv(65536))\n"
    'peer.sendall(b"!")\n'
    "peer.recv(1)\n"
    "peer.sendall(bytes({size}))\n"
)
CLIENT = (
    "import socket, sys, time\n"
    "address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])\n"
    "peer = socket.create_connection((address, port), timeout=60)\n"
    "began = time.monotonic()\n"
    "peer.sendall(bytes(size))\n"
    "peer.recv(1)\n"
    "there = time.monotonic()\n"
    'peer.sendall(b"?")\n'
    "taken = 0\n"
    "while taken < size: taken += len(peer.recv(65536))\n"
    "print(there - began, time.monotonic() - there)\n"
)


def lines(link: AdbLink) -> dict[str, str]:
    text = link.shell("getprop ro.shardloom.limits").stdout.strip()
    return dict(line.split(": ", 1) for line in text.split(";"))


def in_force_or_skip(link: AdbLink) -> None:
    told = lines(link)["Wi-Fi"]
    if "tc" not in told:
        pytest.skip(f"NOT PROVEN HERE: {told}")


def test_both_directions_take_as_long_as_the_persona_says_and_adb_still_answers(
    tmp_path: Path,
) -> None:
    model = persona("KERNEL-1", link_by="kernel", link_mbit_per_second=MBIT)
    with running([model], tmp_path) as rack:
        link = connect_tcp(rack.addresses[0], key(tmp_path))
        in_force_or_skip(link)
        address = wifi_address(link)
        assert address is not None
        assert address.startswith("10.83.")
        script = SERVER.format(address=address, size=SENT_BYTES)
        (tmp_path / "server.py").write_text(script)
        link.push(tmp_path / "server.py", "/data/local/tmp/server.py")
        command = "cd /data/local/tmp; setsid python3 server.py </dev/null >port 2>&1 & sleep 0"
        link.shell(command)
        port = link.shell(
            "cd /data/local/tmp; while [ ! -s port ]; do sleep 0.05; done; cat port", 60
        ).stdout.strip()
        done = subprocess.run(
            (sys.executable, "-c", CLIENT, address, port, str(SENT_BYTES)),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        there_s, back_s = map(float, done.stdout.split())
        link.close()
    least_s = SENT_BYTES * 8 / (MBIT * 1e6) / FAST_ENOUGH
    assert there_s > least_s
    assert back_s > least_s


def test_two_phones_reach_each_other_over_their_bridge(tmp_path: Path) -> None:
    models = [persona(name, link_by="kernel") for name in ("KERNEL-2", "KERNEL-3")]
    with running(models, tmp_path) as rack:
        near, far = (connect_tcp(address, key(tmp_path)) for address in rack.addresses)
        in_force_or_skip(near)
        in_force_or_skip(far)
        address = wifi_address(far)
        assert address != wifi_address(near)
        listening = (
            'python3 -c \'import socket; s = socket.create_server(("", 7777)); '
            's.accept()[0].sendall(b"far")\' </dev/null >/dev/null 2>&1 & sleep 0'
        )
        far.shell(listening)
        asking = (
            "python3 -c 'import socket, time\n"
            "for _ in range(1000):\n"
            '    try: peer = socket.create_connection(("%s", 7777), 5); break\n'
            "    except ConnectionRefusedError: time.sleep(0.05)\n"
            "print(peer.recv(3).decode())'"
        )
        assert near.shell(asking % address, 90).stdout == "far\n"
        near.close()
        far.close()


def test_a_phone_that_cannot_have_it_says_so_and_works_in_userspace(tmp_path: Path) -> None:
    model = persona("KERNEL-4", link_by="kernel", wifi=False, link_mbit_per_second=50)
    with running([model], tmp_path) as rack:
        link = connect_tcp(rack.addresses[0], key(tmp_path))
        assert lines(link)["Wi-Fi"].startswith("as slow in userspace")
        assert lines(link)["Link"] == "50 Mbit/s on ADB"
        assert link.shell("echo $ALL_PROXY").stdout.startswith("socks5h://")
        link.close()
