"""The runtime as it is built and as it runs: the demo model's tokens on phones without Python.

Downloads are kept in a folder below the user's cache; without Debian's packages or Python's wheels
these tests say that they proved nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.devices.deployment.deployment import Deployer
from app.devices.deployment.phone_runtime import PhoneRuntime
from app.devices.deployment.phone_scripts import BASE_FOLDER
from app.models.library import Library
from app.models.whole import run_whole
from tests.integration.worker_runtime.support import (
    BUNDLE,
    LAUNCH_TIMEOUT_S,
    SERIAL,
    BareLink,
    DemoWorker,
    android_programs,
    bare_phone,
    build,
    built,
    emulate,
    generate,
    install_android_tools,
    qemu,
)
from workers.identity.identity import verify_hello
from workers.identity.receipts import verify_receipt
from workers.protocol.wire import PROTOCOL_VERSION, Kind

PROMPT = "In the beginning"
TOKENS = 40
ARM_TOKENS = 20
IMPORT_ALL = """
cd {base} && export PYTHONHOME=$PWD/{folder} PYTHONPATH=$(echo $PWD/workers-*.zip):$PWD/{folder}
{folder}/lib/ld-linux-*.so.* --library-path {folder}/lib {folder}/lib/python3 -s -S -OO -c '
import importlib, pkgutil, workers
names = [each.name for each in pkgutil.walk_packages(workers.__path__, "workers.")]
print(len([importlib.import_module(name) for name in names]))
'
"""

pytestmark = [
    pytest.mark.usefixtures("patient"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="compares with an x86-64 host"),
]


@pytest.fixture(scope="module")
def intel_runtime() -> PhoneRuntime:
    return built("x86_64")


@pytest.fixture(scope="module")
def arm_runtime() -> PhoneRuntime:
    return built("arm64-v8a")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("library"))


@pytest.fixture
def bare_intel_phone(tmp_path: Path) -> Iterator[BareLink]:
    with bare_phone(tmp_path, "x86_64") as link:
        yield link


@pytest.fixture
def bare_arm_phone(tmp_path: Path) -> Iterator[BareLink]:
    with bare_phone(tmp_path, "arm64-v8a") as link:
        yield link


def prompt_ids(library: Library, worker: DemoWorker) -> list[int]:
    tokenizer = library.tokenizer(worker.model)
    assert tokenizer is not None
    return tokenizer.encode(PROMPT)


def contents(runtime: PhoneRuntime) -> dict[str, bytes]:
    with tarfile.open(runtime.path) as archive:
        return {
            member.name: archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
            if member.isfile()
        }


def manifest(files: dict[str, bytes]) -> dict[str, Any]:
    table = json.loads(files["MANIFEST.json"])
    assert isinstance(table, dict)
    return table


def test_a_phone_without_python_gives_the_tokens_of_one_session_and_signs_for_them(
    bare_intel_phone: BareLink, intel_runtime: PhoneRuntime, library: Library
) -> None:
    assert bare_intel_phone.shell("command -v python3").exit_code != 0
    deployer = Deployer(bare_intel_phone, SERIAL, BUNDLE, lambda _abi: intel_runtime)
    deployer.install_runtime()
    worker = DemoWorker(bare_intel_phone, deployer, library)
    try:
        peer = worker.start()
        prompt = prompt_ids(library, worker)
        tokens = generate(peer, "first", prompt, TOKENS)
        assert tokens == run_whole(worker.model, library, prompt, TOKENS)
        nonce = os.urandom(32)
        who = peer.done(
            Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=nonce, host_key=bytes(32)
        ).fields
        whom = (SERIAL, worker.worker_keys.public_key, bytes(32))
        assert verify_hello(who["public_key"], nonce, *whom, who["proof"])
        sealed = peer.done(Kind.SEAL, transaction="first", steps=TOKENS, done=TOKENS).fields
        receipt = verify_receipt(sealed["receipt"], sealed["signature"], who["public_key"])
        assert receipt.steps == TOKENS
    finally:
        worker.close()
        deployer.clean()


def test_an_arm64_phone_gives_the_tokens_of_this_computer(
    bare_arm_phone: BareLink, arm_runtime: PhoneRuntime, library: Library
) -> None:
    emulator = qemu("qemu-aarch64")
    asked: list[str] = []

    def find(abi: str) -> PhoneRuntime:
        asked.append(abi)
        return arm_runtime

    deployer = Deployer(bare_arm_phone, SERIAL, BUNDLE, find)
    deployer.install_runtime()
    assert asked == ["arm64-v8a"]
    emulate(bare_arm_phone, arm_runtime, emulator, "ld-linux-aarch64.so.1")
    worker = DemoWorker(bare_arm_phone, deployer, library)
    try:
        peer = worker.start()
        prompt = prompt_ids(library, worker)
        tokens = generate(peer, "first", prompt, ARM_TOKENS)
        assert tokens == run_whole(worker.model, library, prompt, ARM_TOKENS)
        hello = peer.done(
            Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=os.urandom(32), host_key=bytes(32)
        )
        assert "ARMv8" in hello.fields["numerical_class"]
    finally:
        worker.close()
        deployer.clean()


def test_a_worker_started_by_androids_shell_runs_nothing_of_this_computer(
    bare_intel_phone: BareLink, intel_runtime: PhoneRuntime, library: Library
) -> None:
    install_android_tools(android_programs(), bare_intel_phone.tools)
    deployer = Deployer(bare_intel_phone, SERIAL, BUNDLE, lambda _abi: intel_runtime)
    deployer.install_runtime()
    worker = DemoWorker(bare_intel_phone, deployer, library)
    try:
        worker.start()
        process = bare_intel_phone.shell(f"cat {BASE_FOLDER}/worker.pid").stdout.strip()
        maps = Path(f"/proc/{process}/maps").read_text()
        script = IMPORT_ALL.format(base=BASE_FOLDER, folder=intel_runtime.facts.folder_name)
        imported = bare_intel_phone.shell(script, LAUNCH_TIMEOUT_S)
    finally:
        worker.close()
        deployer.clean()
    assert (imported.exit_code, imported.stderr) == (0, "")
    names = zipfile.ZipFile(io.BytesIO(BUNDLE.archive)).namelist()
    assert int(imported.stdout) == sum(name.endswith(".py") for name in names) - 1
    mapped = {line.split()[-1] for line in maps.splitlines() if line.endswith((".so", ".6", ".2"))}
    assert mapped
    assert [path for path in mapped if intel_runtime.facts.folder_name not in path] == []


@pytest.mark.parametrize("abi", ["x86_64", "arm64-v8a"])
def test_the_runtime_is_small_listed_and_licensed(abi: str, request: pytest.FixtureRequest) -> None:
    fixture = {"x86_64": "intel_runtime", "arm64-v8a": "arm_runtime"}[abi]
    runtime: PhoneRuntime = request.getfixturevalue(fixture)
    files = contents(runtime)
    assert sum(map(len, files.values())) == runtime.facts.unpacked_bytes <= 75_000_000
    assert runtime.path.stat().st_size == runtime.facts.archive_bytes <= 28_000_000
    table = manifest(files)
    listed = {entry["path"]: entry["sha256"] for entry in table["files"]}
    assert set(listed) == set(files) - {"MANIFEST.json", "SHA256SUMS"}
    assert all(hashlib.sha256(files[path]).hexdigest() == digest for path, digest in listed.items())
    known = {each["name"]: each for each in table["inputs"]}
    assert all(set(entry["origins"]) <= set(known) for entry in table["files"])
    assert all(entry["licence"] for entry in table["files"])
    assert all(len(files[each["licence_text"]]) > 200 for each in known.values())
    assert all(len(each["sha256"]) == 64 for each in known.values() if each["kind"] != "project")


def test_the_same_inputs_make_the_same_bytes(intel_runtime: PhoneRuntime, tmp_path: Path) -> None:
    again = build("x86_64", tmp_path)
    assert again.path.read_bytes() == intel_runtime.path.read_bytes()


def test_the_archive_says_nothing_of_who_built_it(intel_runtime: PhoneRuntime) -> None:
    plain = gzip.decompress(intel_runtime.path.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        members = archive.getmembers()
    assert {(each.mtime, each.uid, each.gid, each.uname) for each in members} == {(0, 0, 0, "")}
    assert [each.name for each in members if not (each.isfile() or each.isdir())] == []
    assert str(Path.home() / ".cache").encode() not in plain
    assert b"shardloom-runtime-" not in plain
