"""Putting a runtime on a phone: once a version, whole or not at all, however it is disturbed.

The runtime here is a few small files, packed as the real one is.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from app.command_line.machine.doctor_runtime import check_worker_runtime
from app.core.errors import BadInputError, HashMismatchError, PhoneLostError, WorkerError
from app.devices.adb.adb_server import AdbServer
from app.devices.adb.link import Progress, ShellResult
from app.devices.deployment import runtime_needs
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.phone_runtime import PhoneRuntime, RuntimeFacts, find_runtime, store
from app.devices.deployment.phone_scripts import BASE_FOLDER
from app.devices.errors import PhoneRefusedError
from app.devices.links.server_link import ServerSource
from app.words.sentences import fact_text, facts_text
from tests.integration.devices.rack import let_in, persona, private_adb_server, running
from tests.integration.worker_runtime.support import (
    BUNDLE,
    SERIAL,
    BareLink,
    android_programs,
    bare_phone,
    bare_tools,
    install_android_tools,
)
from tests.saying import raises_saying

ABI = "arm64-v8a"
PATIENCE_S = 60.0

pytestmark = pytest.mark.usefixtures("patient")


def runtime(folder: Path, text: str) -> PhoneRuntime:
    """Pack two small files with their sums."""
    tree_module, packing = (import_module(f"runtime_build.{each}") for each in ("tree", "packing"))
    tree = tree_module.RuntimeTree()
    file = tree_module.RuntimeFile
    tree.add("lib/python3", file(text.encode() * 1000, ("test",), executable=True))
    tree.add("numpy/__init__.pyc", file(os.urandom(100_000), ("test",)))
    tree.add("SHA256SUMS", file(packing.checksums(tree), ("test",)))
    archive = packing.pack(tree)
    sums = dict(tree.items())["SHA256SUMS"].content
    facts = RuntimeFacts(
        abi=ABI,
        version=hashlib.sha256(archive).hexdigest(),
        sums_sha256=hashlib.sha256(sums).hexdigest(),
        archive_bytes=len(archive),
        unpacked_bytes=tree.size_bytes,
    )
    store(folder, facts, archive)
    found = find_runtime(ABI, folder)
    assert found is not None
    return found


@pytest.fixture(params=["this computer's tools", "Android's tools"])
def link(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[BareLink]:
    with bare_phone(tmp_path, ABI) as link:
        if request.param == "Android's tools":
            install_android_tools(android_programs(), link.tools)
        yield link


@pytest.fixture
def made(tmp_path: Path) -> PhoneRuntime:
    return runtime(tmp_path / "made", "first")


def deployer(link: BareLink, made: PhoneRuntime | None) -> Deployer:
    return Deployer(link, SERIAL, BUNDLE, lambda _abi: made)


def pushed_bytes(deployer: Deployer) -> list[int]:
    """Install, and return the progress that was told."""
    pushes: list[int] = []
    deployer.install_runtime(lambda done, _total: pushes.append(done))
    return pushes


def names(link: BareLink) -> set[str]:
    return {entry.name for entry in link.list(BASE_FOLDER) if entry.name.startswith("runtime-")}


def replace_tool(link: BareLink, name: str, script: str) -> Callable[[], None]:
    """Let a program of the phone behave otherwise; returns what undoes that."""
    tool = link.tools / name
    real = tool.parent / "real" / name
    real.parent.mkdir(exist_ok=True)
    tool.rename(real)
    tool.write_text(f"#!/bin/sh\n{script.format(real=real)}\n")
    tool.chmod(0o755)

    def undo() -> None:
        real.replace(tool)

    return undo


def test_a_runtime_is_pushed_once_and_keeps_its_modes(link: BareLink, made: PhoneRuntime) -> None:
    pushes: list[tuple[int, int]] = []
    deployer(link, made).install_runtime(lambda *now: pushes.append(now))
    size_bytes = made.facts.archive_bytes
    assert (size_bytes, size_bytes) in pushes
    folder = made.facts.folder_name
    assert names(link) == {folder}
    program = link.stat(f"{BASE_FOLDER}/{folder}/lib/python3")
    assert program is not None
    assert program.mode & stat.S_IXUSR
    script = link.shell(f"cat {BASE_FOLDER}/run").stdout
    assert f"{folder}/lib/python3" in script
    pushes.clear()
    deployer(link, made).install_runtime(lambda *now: pushes.append(now))
    assert pushes == []


def test_a_runtime_harmed_on_the_phone_is_put_there_again(
    link: BareLink, made: PhoneRuntime
) -> None:
    deployer(link, made).install_runtime()
    folder = f"{BASE_FOLDER}/{made.facts.folder_name}"
    for harm in (f"echo x >>{folder}/lib/python3", f"rm {folder}/numpy/__init__.pyc"):
        assert link.shell(harm).exit_code == 0
        pushes = pushed_bytes(deployer(link, made))
        assert pushes[-1] == made.facts.archive_bytes
        assert link.shell(f"cd {folder} && sha256sum -c SHA256SUMS").exit_code == 0


@pytest.mark.parametrize(
    ("tool", "script", "error"),
    [
        ("gunzip", '{real} "$@" | head -c 5000; exit 1', PhoneRefusedError),
        ("tar", '{real} "$@"; rm -f runtime-*.new/numpy/*', HashMismatchError),
        ("tar", '{real} "$@"; for f in runtime-*.new/SHA256SUMS; do :>$f; done', HashMismatchError),
    ],
)
def test_what_does_not_come_out_whole_never_gets_the_name(
    link: BareLink, made: PhoneRuntime, tool: str, script: str, error: type[Exception]
) -> None:
    undo = replace_tool(link, tool, script.replace("head", "/usr/bin/head"))
    with pytest.raises(error):
        deployer(link, made).install_runtime()
    assert not {name for name in names(link) if "." not in name}
    assert link.stat(f"{BASE_FOLDER}/run") is None
    undo()
    deployer(link, made).install_runtime()
    assert names(link) == {made.facts.folder_name}


def test_a_phone_lost_while_unpacking_is_mended_by_the_next_try(
    link: BareLink, made: PhoneRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = link.shell

    def lose(command: str, timeout_s: float = 20.0) -> ShellResult:
        if "gunzip" in command:
            folder = f"{BASE_FOLDER}/{made.facts.folder_name}.new"
            answer(f"mkdir {folder} && echo half >{folder}/half")
            raise PhoneLostError("the cable was pulled")
        return answer(command, timeout_s)

    with monkeypatch.context() as patch:
        patch.setattr(link, "shell", lose)
        with pytest.raises(PhoneLostError):
            deployer(link, made).install_runtime()
    assert {f"{made.facts.folder_name}.new", f"{made.facts.folder_name}.tar.gz"} <= names(link)
    deployer(link, made).install_runtime()
    assert names(link) == {made.facts.folder_name}
    folder = f"{BASE_FOLDER}/{made.facts.folder_name}"
    assert link.stat(f"{folder}/half") is None


def test_the_two_versions_used_last_are_kept_and_clean_removes_all(
    link: BareLink, tmp_path: Path
) -> None:
    first, second, third = (runtime(tmp_path / text, text) for text in ("a", "b", "c"))
    for each in (first, second, first, third):
        deployer(link, each).install_runtime()
    assert names(link) == {first.facts.folder_name, third.facts.folder_name}
    deployer(link, third).clean()
    assert link.stat(BASE_FOLDER) is None


def test_a_full_phone_is_told_before_the_push(link: BareLink, made: PhoneRuntime) -> None:
    pushes: list[int] = []
    listing = "Filesystem 1K-blocks Used Available Use% Mounted on\\n/dev/x 9 9 100 99% /data"
    replace_tool(link, "df", f"printf '{listing.replace('%', '%%')}\\n'")
    with raises_saying(PhoneRefusedError, match="too little storage"):
        deployer(link, made).install_runtime(lambda done, _total: pushes.append(done))
    assert pushes == []


def test_a_phone_is_told_how_to_get_a_runtime_or_that_there_is_none(link: BareLink) -> None:
    with raises_saying(
        WorkerError,
        match=r"BARE-1 has no Python, .* Build it with: shardloom runtime build --abi arm64-v8a",
    ):
        deployer(link, None).install_runtime()
    (link.tools / "getprop").write_text("#!/bin/sh\necho armeabi-v7a\n")
    with raises_saying(WorkerError, match="arm64-v8a and x86_64 only, not on armeabi-v7a"):
        Deployer(link, SERIAL, BUNDLE).install_runtime()


def test_a_damaged_archive_is_refused_on_this_computer(tmp_path: Path) -> None:
    path = runtime(tmp_path, "x").path
    path.write_bytes(path.read_bytes()[:-1])
    with raises_saying(BadInputError, match=r"is damaged\. Build it with"):
        find_runtime(ABI, tmp_path)
    facts = tmp_path / f"worker-runtime-{ABI}.json"
    for text in (
        "{",
        "[]",
        '{"abi": 1}',
        facts.read_text().replace('"version": "', '"version": "/'),
    ):
        facts.write_text(text)
        with raises_saying(BadInputError, match="cannot be used"):
            find_runtime(ABI, tmp_path)
    facts.unlink()
    assert find_runtime(ABI, tmp_path) is None
    assert find_runtime("../../etc", tmp_path) is None


def test_a_damaged_push_is_found_on_the_phone(link: BareLink, made: PhoneRuntime) -> None:
    class Damaging(BareLink):
        """Sends other bytes than it is given."""

        def __init__(self, good: BareLink) -> None:
            self._source, self.tools = good._source, good.tools

        def push(
            self, source: Path, target: str, mode: int = 0o644, progress: Progress | None = None
        ) -> None:
            other = self.tools.parent / "other"
            other.write_bytes(source.read_bytes()[:-1] + b"?")
            super().push(other, target, mode, progress)

    with raises_saying(HashMismatchError, match="arrived damaged"):
        deployer(Damaging(link), made).install_runtime()
    assert names(link) == set()


def test_the_doctor_says_what_to_build_for_which_phone(
    tmp_path: Path, made: PhoneRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = bare_tools(tmp_path / "tools", ABI)

    def connect_bare(server: AdbServer, serial: str, transport_id: str) -> BareLink:
        return BareLink(ServerSource(server, serial, transport_id), tools)

    with running([persona(SERIAL)], tmp_path) as rack, private_adb_server(tmp_path) as server:
        let_in(server, rack.addresses[0])
        unasked = check_worker_runtime(server, tmp_path)
        assert (unasked.passed, unasked.needed) == (False, False)
        monkeypatch.setattr(runtime_needs, "ANSWER_TIMEOUT_S", PATIENCE_S)
        monkeypatch.setattr(runtime_needs, "connect_server", connect_bare)
        check = check_worker_runtime(server, tmp_path)
        assert (check.passed, check.needed) == (False, True)
        assert f"{rack.addresses[0]} ({ABI})" in fact_text(check.detail)
        assert facts_text(check.mend).endswith("shardloom runtime build --abi arm64-v8a")
        assert check_worker_runtime(server, made.path.parent).passed
