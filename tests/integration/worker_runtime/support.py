"""Built runtimes, phones without Python, and a host that drives one worker on them."""

from __future__ import annotations

import atexit
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import zmq

from app.core.identifiers import Serial
from app.core.model import ModelManifest
from app.devices.adb.link import ShellResult
from app.devices.adb.stream import StreamSource
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.phone_runtime import PhoneRuntime, find_runtime
from app.devices.deployment.phone_scripts import BASE_FOLDER
from app.devices.deployment.runtime_bundle import build_runtime_bundle
from app.devices.links.adb_link import AdbLink
from app.devices.links.tcp_link import TcpSource
from app.models.library import Library
from app.models.shards import Shard, span_shape
from tests.integration.devices.rack import key, persona, running
from tests.integration.workers.ring import GREEDY, Peer, new_keys, step_row
from tests.signing import TERMS
from workers.engine.engine import SpanShape
from workers.network.curve import connect_client
from workers.protocol.configuration import WorkerConfiguration
from workers.protocol.told import ToldToken
from workers.protocol.wire import Kind

ROOT = Path(__file__).parents[3]
BUILD = ROOT / "packaging" / "worker_runtime"
sys.path.append(str(BUILD))
CACHE = Path.home() / ".cache" / "shardloom-tests" / "worker-runtime"
SERIAL = Serial("BARE-1")
BUNDLE = build_runtime_bundle()
UNAVAILABLE_STATUS = 69
DOWNLOAD_TIMEOUT_S = 170
LAUNCH_TIMEOUT_S = 120.0
ANSWER_TIMEOUT_S = 120.0
SPAN = "demo"
_TOO_SLOW: list[str] = []
"""Why no more is downloaded."""

PHONE_TOOLS = (
    *("cat", "chmod", "cmp", "cut", "df", "grep", "gunzip", "gzip", "ls", "mkdir", "mv"),
    *("readlink", "rm", "sed", "setsid", "sh", "sha256sum", "sleep", "sync", "tail", "tar"),
    *("touch", "tr", "xargs"),
)
"""What toybox and mksh have; of the host's programs a bare phone gets these alone."""


def skip_aloud(reason: str) -> None:
    pytest.skip(f"NOT PROVEN HERE: {reason}")


@cache
def built(abi: str) -> PhoneRuntime:
    """Return the runtime that every test of this process shares, or skip as `build` does."""
    return build(abi, Path(tempfile.mkdtemp(dir=_shared_folder())))


@cache
def _shared_folder() -> str:
    folder = tempfile.mkdtemp(prefix="shardloom-runtimes-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def build(abi: str, out: Path) -> PhoneRuntime:
    """Run the build command, and skip where this machine cannot download what it needs.

    Where a download did not end in time the others are not waited for: they come the same way.
    """
    if _TOO_SLOW:
        skip_aloud(_TOO_SLOW[0])
    command = (sys.executable, str(BUILD / "build.py"), "--abi", abi)
    try:
        done = subprocess.run(
            (*command, "--out", str(out), "--cache", str(CACHE)),
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        _TOO_SLOW.append(f"the parts of a runtime did not arrive within {DOWNLOAD_TIMEOUT_S} s")
        skip_aloud(_TOO_SLOW[0])
    if done.returncode == UNAVAILABLE_STATUS:
        skip_aloud(done.stderr.strip().rpartition("\n")[2])
    assert done.returncode == 0, done.stderr
    runtime = find_runtime(abi, out)
    assert runtime is not None
    return runtime


def qemu(name: str) -> Path:
    """Return a static emulator of Debian trixie, which bookworm's is too old for; else skip."""
    return unpacked("trixie", ("qemu-user",), f"usr/bin/{name}") / "usr/bin" / name


def android_programs() -> Path:
    """Return a folder with mksh and toybox in `bin`; else skip."""
    return unpacked("bookworm", ("toybox", "mksh"), "bin/toybox", "bin/mksh")


def unpacked(release: str, names: tuple[str, ...], *wanted: str) -> Path:
    """Return a folder with the wanted files of Debian packages for this machine; else skip."""
    debian = import_module("runtime_build.debian")
    errors = import_module("runtime_build.errors")
    machine = import_module("runtime_build.target").building_machine(platform.machine())
    folder = CACHE / "-".join((release, *names))
    if folder.is_dir():
        return folder
    try:
        mirrors = debian.Mirrors.of_this_machine()
        archive = debian.DebianArchive(CACHE / "debian", mirrors, release, (machine.architecture,))
        archive.update()
        with tempfile.TemporaryDirectory(dir=CACHE) as everything:
            for package in archive.download(names):
                debian.unpack(package, Path(everything))
            chosen = Path(everything) / "chosen"
            for path in wanted:
                (chosen / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(everything) / path).rename(chosen / path)
            chosen.rename(folder)
    except errors.BuildError as error:
        skip_aloud(str(error))
    return folder


def install_android_tools(folder: Path, tools: Path) -> None:
    """Replace tools by Android's own, unpacked: mksh for the shell, toybox for the rest."""
    listed = subprocess.run([folder / "bin/toybox"], capture_output=True, text=True, check=True)
    for name in (*PHONE_TOOLS, *listed.stdout.split()):
        if name in listed.stdout.split():
            (tools / name).unlink(missing_ok=True)
            (tools / name).symlink_to(folder / "bin/toybox")
    (tools / "sh").unlink()
    (tools / "sh").symlink_to(folder / "bin/mksh")


def bare_tools(tools: Path, abi: str) -> Path:
    """Make a folder with a phone's programs, one of which says that it has that ABI."""
    tools.mkdir()
    for name in PHONE_TOOLS:
        found = shutil.which(name)
        assert found, f"{name} is not on this machine"
        (tools / name).symlink_to(found)
    answer = tools / "getprop"
    answer.write_text(f"#!/bin/sh\necho {abi}\n")
    answer.chmod(0o755)
    return tools


class BareLink(AdbLink):
    """A link to a virtual phone on which commands find only what a real phone has: no Python."""

    def __init__(self, source: StreamSource, tools: Path) -> None:
        super().__init__(source)
        self.tools = tools

    def shell(self, command: str, timeout_s: float = 20.0) -> ShellResult:
        inner = f"export PATH={self.tools}; exec sh -c {shlex.quote(command)}"
        return super().shell(inner, timeout_s)


@contextmanager
def bare_phone(folder: Path, abi: str) -> Iterator[BareLink]:
    """Start a phone whose programs say it has that ABI."""
    with running([persona(SERIAL)], folder) as rack:
        source = TcpSource(rack.addresses[0])
        source.connect(key(folder))
        link = BareLink(source, bare_tools(folder / "tools", abi))
        try:
            yield link
        finally:
            link.close()


def emulate(link: BareLink, runtime: PhoneRuntime, emulator: Path, loader: str) -> None:
    """Run the runtime's programs by an emulator, as a kernel of its processor would by itself."""
    path = f"{BASE_FOLDER}/{runtime.facts.folder_name}/lib/{loader}"
    script = f'#!/bin/sh\nexec {emulator} {path}.real "$@"\n'
    done = link.shell(f"mv {path} {path}.real && echo '{script}' >{path} && chmod 755 {path}")
    assert done.exit_code == 0, done.stderr


class DemoWorker:
    """The worker on one phone, holding the whole demo model."""

    def __init__(self, link: AdbLink, deployer: Deployer, library: Library) -> None:
        self._library = library
        self.model = library.ensure_demo(ROOT / "assets" / "demo_model")
        self._link, self._deployer = link, deployer
        self.keys, self.worker_keys = new_keys(), new_keys()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    def start(self) -> Peer:
        """Launch the worker and load the model on it."""
        configuration = WorkerConfiguration(
            serial=SERIAL,
            folder=".",
            bind_address="127.0.0.1",
            curve_public_key=self.worker_keys.public_key,
            curve_secret_key=self.worker_keys.secret_key,
            host_public_key=self.keys.public_key,
            threads=1,
        )
        ready = self._deployer.launch(configuration, LAUNCH_TIMEOUT_S)
        endpoint = f"tcp://127.0.0.1:{ready.inbox_port}"
        key = self.worker_keys.public_key
        socket = connect_client(self.context, endpoint, key, self.keys, None)
        peer = Peer(socket, deadline_s=ANSWER_TIMEOUT_S)
        self._load(peer)
        return peer

    def _load(self, peer: Peer) -> None:
        shard = self._library.shard(self.model, self.model.chains[0].whole)
        for blob in self._deployer.missing((*shard.blobs, shard.graph)):
            self._deployer.push_blob(self._library.store.path(blob.sha256), blob)
        peer.done(
            Kind.LOAD,
            span=SPAN,
            graph=shard.graph.sha256,
            blobs=[[blob.sha256, blob.size_bytes] for blob in shard.blobs],
            threads=1,
            shape=asdict(_shape(self.model, shard)),
        )

    def close(self) -> None:
        self.context.destroy(0)


def generate(peer: Peer, transaction: str, prompt: list[int], tokens: int) -> list[int]:
    """Return greedily chosen tokens, all from one stage."""
    peer.done(
        Kind.OPEN,
        transaction=transaction,
        span=SPAN,
        stage=0,
        slot=0,
        sampling=GREEDY,
        alternatives=0,
        boundary="f4",
        next=None,
        previous=None,
        first=None,
        end_tokens=[],
        resume=None,
        history=None,
        asked=None,
        terms=asdict(TERMS),
    )
    generated: list[int] = []
    rows = prompt
    position = 0
    while len(generated) < tokens:
        row = step_row(transaction, len(generated), position, len(generated) + 1)
        peer.send_step([row], np.array([rows], np.int64))
        answer = peer.receive()
        assert answer.kind == Kind.TOKEN, answer
        position += len(rows)
        rows = [answer.fields["rows"][0][ToldToken._fields.index("token")]]
        generated += rows
    return generated


def _shape(model: ModelManifest, shard: Shard) -> SpanShape:
    return span_shape(model, shard, model.context_tokens, 1)
