"""Putting the real worker on virtual phones, starting it, stopping it, and what may go wrong."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import zmq

from app.core.errors import BadInputError, HashMismatchError, PhoneLostError, WorkerError
from app.core.identifiers import BlobHash, Serial
from app.core.model import Blob
from app.devices.adb.link import Progress, ShellResult
from app.devices.deployment.deployment import STORE, Deployer, Removed
from app.devices.deployment.phone_scripts import BASE_FOLDER
from app.devices.deployment.piecewise_push import PIECE_BYTES
from app.devices.deployment.runtime_bundle import RuntimeBundle, build_runtime_bundle
from app.devices.errors import PhoneRefusedError
from app.devices.links.adb_link import AdbLink
from app.devices.links.tcp_link import TcpSource, connect_tcp
from tests.integration.devices.rack import key, persona, running, until
from tests.saying import raises_saying
from workers.protocol.configuration import WorkerConfiguration

pytestmark = pytest.mark.usefixtures("patient")
SERIAL = Serial("DEPLOY-1")
LAUNCH_TIMEOUT_S = 120.0
BUNDLE = build_runtime_bundle()


class TamperedLink(AdbLink):
    """A link to a phone on which something happens just before certain commands run."""

    def __init__(self, source: TcpSource, word: str, happen: Callable[[], None]) -> None:
        super().__init__(source)
        self._word = word
        self._happen = happen

    def shell(self, command: str, timeout_s: float = 20.0) -> ShellResult:
        if self._word in command:
            self._happen()
        return super().shell(command, timeout_s)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with running([persona(SERIAL)], tmp_path) as rack:
        yield rack.addresses[0]


@pytest.fixture
def link(address: str, tmp_path: Path) -> Iterator[AdbLink]:
    link = connect_tcp(address, key(tmp_path))
    yield link
    link.close()


@pytest.fixture
def deployer(link: AdbLink) -> Deployer:
    deployer = Deployer(link, SERIAL, BUNDLE)
    deployer.install_runtime()
    return deployer


class WideningLink(AdbLink):
    """A link to a phone whose daemon gives everybody what a push gives the owner, as adbd does."""

    def push(
        self, source: Path, target: str, mode: int = 0o644, progress: Progress | None = None
    ) -> None:
        super().push(source, target, mode | mode >> 3 | mode >> 6, progress)


def blob_file(folder: Path, size_bytes: int) -> tuple[Path, Blob]:
    content = os.urandom(size_bytes)
    path = folder / "blob"
    path.write_bytes(content)
    return path, Blob(BlobHash(hashlib.sha256(content).hexdigest()), size_bytes)


def configuration() -> WorkerConfiguration:
    worker, host = zmq.curve_keypair(), zmq.curve_keypair()
    return WorkerConfiguration(
        serial=SERIAL,
        folder=".",
        bind_address="127.0.0.1",
        curve_public_key=worker[0].decode(),
        curve_secret_key=worker[1].decode(),
        host_public_key=host[0].decode(),
        threads=1,
    )


def lives(process_id: int) -> bool:
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_the_runtime_is_pushed_once_per_version(link: AdbLink) -> None:
    pushes: list[int] = []
    deployer = Deployer(link, SERIAL, BUNDLE)
    deployer.install_runtime(lambda done, _total: pushes.append(done))
    assert pushes
    pushes.clear()
    deployer.install_runtime(lambda done, _total: pushes.append(done))
    assert pushes == []
    newer = RuntimeBundle(b"other", hashlib.sha256(b"other").hexdigest())
    Deployer(link, SERIAL, newer).install_runtime(lambda done, _total: pushes.append(done))
    assert pushes
    names = {entry.name for entry in link.list(BASE_FOLDER)}
    assert newer.archive_name in names
    assert BUNDLE.archive_name not in names


def test_only_missing_blobs_are_asked_for_and_bytes_land_whole(
    deployer: Deployer, link: AdbLink, tmp_path: Path
) -> None:
    path, blob = blob_file(tmp_path, 2_000_000)
    steps: list[tuple[int, int]] = []
    assert deployer.missing([blob, blob]) == [blob]
    deployer.push_blob(path, blob, lambda *now: steps.append(now))
    assert deployer.missing([blob]) == []
    assert steps[-1] == (2_000_000, 2_000_000)
    link.pull(f"{STORE}/{blob.sha256}", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == path.read_bytes()


def test_damaged_bytes_are_noticed_on_the_phone_and_removed(
    deployer: Deployer, address: str, tmp_path: Path
) -> None:
    path, blob = blob_file(tmp_path, 300_000)
    store = tmp_path / "phones" / SERIAL / "rootfs" / STORE.lstrip("/")

    def damage() -> None:
        (partial,) = store.glob("*.part")
        content = bytearray(partial.read_bytes())
        content[1000] ^= 1
        partial.write_bytes(content)

    source = TcpSource(address)
    source.connect(key(tmp_path))
    damaging = Deployer(TamperedLink(source, "sha256sum", damage), SERIAL, BUNDLE)
    with raises_saying(HashMismatchError, match="damaged"):
        damaging.push_blob(path, blob)
    assert list(store.iterdir()) == []
    deployer.push_blob(path, blob)
    assert deployer.missing([blob]) == []


def cut_push(folder: Path, path: Path, blob: Blob, after_bytes: int) -> None:
    """Let a phone vanish in the middle of a push."""
    with running([persona(SERIAL)], folder) as rack:
        deployer = Deployer(connect_tcp(rack.addresses[0], key(folder)), SERIAL, BUNDLE)
        deployer.install_runtime()

        def vanish(done_bytes: int, _total_bytes: int) -> None:
            if done_bytes > after_bytes and rack.addresses:
                rack.kill(SERIAL)

        with pytest.raises(PhoneLostError):
            deployer.push_blob(path, blob, vanish)


def push_again(folder: Path, path: Path, blob: Blob) -> tuple[list[int], bytes]:
    """Push to the phone that is back; return what progress told and the bytes on the phone."""
    with running([persona(SERIAL)], folder) as rack:
        link = connect_tcp(rack.addresses[0], key(folder))
        deployer = Deployer(link, SERIAL, BUNDLE)
        deployer.install_runtime()
        assert deployer.missing([blob]) == [blob]
        steps: list[int] = []
        deployer.push_blob(path, blob, lambda done, _total: steps.append(done))
        assert deployer.missing([blob]) == []
        assert not [entry for entry in link.list(STORE) if ".part" in entry.name]
        link.pull(f"{STORE}/{blob.sha256}", folder / "back")
    return steps, (folder / "back").read_bytes()


def test_a_push_that_was_cut_goes_on_at_the_byte_where_it_ended(tmp_path: Path) -> None:
    path, blob = blob_file(tmp_path, 20_000_000)
    cut_push(tmp_path, path, blob, 2 * PIECE_BYTES)
    (partial,) = (tmp_path / "phones" / SERIAL).rglob("*.part")
    landed = partial.stat().st_size
    assert landed >= 2 * PIECE_BYTES
    with partial.open("ab") as file:
        file.write(path.read_bytes()[landed : landed + 777])
    steps, content = push_again(tmp_path, path, blob)
    assert (steps[0], steps[-1]) == (landed + 777, 20_000_000)
    assert content == path.read_bytes()


@pytest.mark.parametrize("size_bytes", [9_000_000, 21_000_000])
def test_what_landed_and_is_not_the_files_beginning_is_not_continued(
    tmp_path: Path, size_bytes: int
) -> None:
    path, blob = blob_file(tmp_path, 20_000_000)
    cut_push(tmp_path, path, blob, PIECE_BYTES)
    (partial,) = (tmp_path / "phones" / SERIAL).rglob("*.part")
    partial.write_bytes(os.urandom(size_bytes))
    steps, content = push_again(tmp_path, path, blob)
    assert steps[0] < PIECE_BYTES
    assert content == path.read_bytes()


def test_of_pushes_cut_long_ago_only_the_newest_are_kept(
    deployer: Deployer, link: AdbLink, tmp_path: Path
) -> None:
    store = tmp_path / "phones" / SERIAL / "rootfs" / STORE.lstrip("/")
    for number in range(5):
        partial = store / f"{number:064x}.part"
        partial.write_bytes(b"begun")
        os.utime(partial, (number, number))
    (store / f"{0:064x}.part.piece").write_bytes(b"piece")
    deployer.install_runtime()
    assert {entry.name for entry in link.list(STORE)} == {f"{n:064x}.part" for n in (3, 4)}


def test_a_full_phone_is_told_before_anything_is_pushed(
    deployer: Deployer, link: AdbLink, tmp_path: Path
) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(psutil.disk_usage(str(tmp_path)).free + 10_000_000_000)
    huge = Blob(BlobHash("0" * 64), path.stat().st_size)
    with raises_saying(PhoneRefusedError, match=r"too little storage: free .* GB"):
        deployer.push_blob(path, huge)
    assert link.list(STORE) == []


@pytest.mark.parametrize("sha256", ["$(reboot)", "../../x", "A" * 64])
def test_a_name_that_is_no_hash_never_reaches_the_shell(
    deployer: Deployer, tmp_path: Path, sha256: str
) -> None:
    path, blob = blob_file(tmp_path, 10)
    with pytest.raises(BadInputError):
        deployer.push_blob(path, replace(blob, sha256=BlobHash(sha256)))


def test_a_file_that_is_not_the_blob_is_refused(deployer: Deployer, tmp_path: Path) -> None:
    path, blob = blob_file(tmp_path, 10)
    with raises_saying(BadInputError, match="expected"):
        deployer.push_blob(path, replace(blob, size_bytes=11))


def test_only_the_owner_may_read_what_was_put_on_the_phone(address: str, tmp_path: Path) -> None:
    source = TcpSource(address)
    source.connect(key(tmp_path))
    link = WideningLink(source)
    deployer = Deployer(link, SERIAL, BUNDLE)
    deployer.install_runtime()
    path, blob = blob_file(tmp_path, 1000)
    deployer.push_blob(path, blob)
    deployer.launch(configuration(), LAUNCH_TIMEOUT_S)
    entries = link.list(BASE_FOLDER) + link.list(STORE)
    assert {"run", "worker.json", blob.sha256} <= {entry.name for entry in entries}
    assert [entry for entry in entries if entry.mode & 0o077] == []


def test_a_worker_outlives_the_connection_and_stops_when_told(
    deployer: Deployer, link: AdbLink, address: str, tmp_path: Path
) -> None:
    ready = deployer.launch(configuration(), LAUNCH_TIMEOUT_S)
    assert ready.inbox_port != ready.pulse_port
    found = link.stat(f"{BASE_FOLDER}/worker.json")
    assert found is not None
    assert found.mode == 0o100600
    link.close()
    again = Deployer(connect_tcp(address, key(tmp_path)), SERIAL, BUNDLE)
    assert lives(ready.process_id)
    again.stop(ready.process_id)
    until(lambda: not lives(ready.process_id))


def test_a_new_worker_replaces_the_old_one(deployer: Deployer) -> None:
    first = deployer.launch(configuration(), LAUNCH_TIMEOUT_S)
    second = deployer.launch(configuration(), LAUNCH_TIMEOUT_S)
    assert not lives(first.process_id)
    assert lives(second.process_id)
    deployer.clean()
    until(lambda: not lives(second.process_id))


def test_a_process_that_is_not_ours_is_left_alone(deployer: Deployer, link: AdbLink) -> None:
    started = link.shell("cd /; sleep 60 >/dev/null 2>&1 </dev/null & echo $!")
    other = int(started.stdout)
    deployer.stop(other)
    assert lives(other)
    link.shell(f"kill {other}")


def test_a_worker_that_does_not_come_up_says_why(deployer: Deployer) -> None:
    broken = replace(configuration(), curve_public_key="not a key")
    with raises_saying(WorkerError, match=rf"worker on {SERIAL} ended at once: .*\w"):
        deployer.launch(broken, LAUNCH_TIMEOUT_S)


def test_a_worker_that_is_never_ready_is_ended(link: AdbLink) -> None:
    sleeper = RuntimeBundle(BUNDLE.archive, BUNDLE.version)
    deployer = Deployer(link, SERIAL, sleeper)
    deployer.install_runtime()
    link.shell(f"echo 'sleep 300; : \"$1\"' >{BASE_FOLDER}/run")
    with raises_saying(WorkerError, match="was not ready after 1 s: its log is empty"):
        deployer.launch(configuration(), timeout_s=1.0)
    processes = link.shell(f"cat {BASE_FOLDER}/worker.pid").stdout
    assert processes == ""


def test_a_phone_without_python_is_told_what_is_missing(address: str, tmp_path: Path) -> None:
    source = TcpSource(address)
    source.connect(key(tmp_path))

    class WithoutPython(AdbLink):
        def shell(self, command: str, timeout_s: float = 20.0) -> ShellResult:
            return super().shell(command.replace("python3", "python-that-is-not-there"), timeout_s)

    deployer = Deployer(WithoutPython(source), SERIAL, BUNDLE, lambda _abi: None)
    with raises_saying(
        WorkerError, match=r"has no Python, .* Build it with: shardloom runtime build"
    ):
        deployer.install_runtime()


def test_launching_before_installing_is_refused(link: AdbLink) -> None:
    with raises_saying(WorkerError, match="not on the phone yet"):
        Deployer(link, SERIAL, BUNDLE).launch(configuration())


def test_nothing_is_left_behind(deployer: Deployer, link: AdbLink, tmp_path: Path) -> None:
    path, blob = blob_file(tmp_path, 1_000_000)
    deployer.push_blob(path, blob)
    ready = deployer.launch(configuration(), LAUNCH_TIMEOUT_S)
    removed = deployer.clean()
    assert removed.worker_ended
    assert removed.files >= len(["archive", "run", "blob", "configuration", "ready", "log"])
    assert removed.size_bytes > 1_000_000
    assert not lives(ready.process_id)
    assert link.stat(BASE_FOLDER) is None
    assert deployer.clean() == Removed()
