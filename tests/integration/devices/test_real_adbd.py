"""Our links against Google's daemon as Debian builds it: no virtual phone takes part."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.errors import PhoneLostError
from app.devices.links.adb_link import AdbLink
from app.devices.links.server_link import connect_server
from app.devices.links.tcp_link import connect_tcp
from tests.integration.devices.adbd_namespace import running_adbd
from tests.integration.devices.rack import key, let_in, private_adb_server, until

pytestmark = [
    pytest.mark.usefixtures("patient"),
    pytest.mark.skipif(
        shutil.which("unshare") is None, reason="NOT PROVEN HERE: no unshare to keep adbd apart"
    ),
]
SIZE_BYTES = 50_000_000
CALLS = int(os.environ.get("SHARDLOOM_SHELL_CALLS", "100"))
Kill = Callable[[], None]


@pytest.fixture(params=["tcp", "server"])
def daemon(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[AdbLink, Kill]]:
    with running_adbd(tmp_path) as (address, process):

        def kill() -> None:
            process.send_signal(signal.SIGUSR1)

        if request.param == "tcp":
            link = connect_tcp(address, key(tmp_path))
            yield link, kill
            link.close()
            return
        with private_adb_server(tmp_path) as server:
            let_in(server, address)
            yield connect_server(server, address), kill


def test_fifty_megabytes_many_calls_and_a_killed_daemon(
    daemon: tuple[AdbLink, Kill], tmp_path: Path
) -> None:
    link, kill = daemon
    content = os.urandom(SIZE_BYTES)
    (tmp_path / "out").write_bytes(content)
    target = str(tmp_path / "on the phone" / "file")
    link.push(tmp_path / "out", target, 0o600)
    found = link.stat(target)
    assert found is not None
    assert found.size_bytes == SIZE_BYTES
    link.pull(target, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert [entry.name for entry in link.list(str(tmp_path / "on the phone"))] == ["file"]
    for number in range(CALLS):
        result = link.shell(f"echo {number}; echo no >&2; exit {number % 100}")
        told = (result.exit_code, result.stdout, result.stderr)
        assert told == (number % 100, f"{number}\n", "no\n")
    kill()
    until(lambda: is_lost(link))


def is_lost(link: AdbLink) -> bool:
    try:
        link.shell("true")
    except PhoneLostError:
        return True
    return False
