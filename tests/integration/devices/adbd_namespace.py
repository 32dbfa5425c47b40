"""Debian trixie's real `adbd`, in a network namespace of its own because it binds every interface.

Outside, `running_adbd` gives an address on loopback; bytes pass a socket file between both worlds.
Run as a program it is the inside: `adbd_namespace.py SOCKET COMMAND...`.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CACHE = Path.home() / ".cache" / "shardloom-tests" / "adbd"
PORT = 15558
LOADER = "usr/lib64/ld-linux-x86-64.so.2"
START_TIMEOUT_S = 60.0
PACKAGES = (
    *("adbd", "android-libbase", "android-libboringssl", "android-libcutils", "android-liblog"),
    *("libbrotli1", "libc6", "libgcc-s1", "liblz4-1", "libprotobuf32t64", "libstdc++6"),
    *("libsystemd0", "libzstd1", "zlib1g", "libcap2", "libgcrypt20", "libgpg-error0", "liblzma5"),
)
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def installed_adbd() -> Path:
    """Return the folder with the daemon and its libraries, downloaded once; else skip aloud."""
    folder = CACHE / "root"
    if (folder / "complete").exists():
        return folder
    sys.path.append(str(ROOT / "packaging" / "worker_runtime"))
    debian, errors = (import_module(f"runtime_build.{name}") for name in ("debian", "errors"))
    try:
        mirrors = debian.Mirrors.of_this_machine()
        archive = debian.DebianArchive(CACHE / "debian", mirrors, "trixie", ("amd64",))
        archive.update()
        for package in archive.download(PACKAGES):
            debian.unpack(package, folder)
    except errors.BuildError as error:
        pytest.skip(f"NOT PROVEN HERE: no real adbd to test against ({error})")
    (folder / "complete").touch()
    return folder


@contextmanager
def running_adbd(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start the daemon; return its address on loopback and the process to kill it by."""
    root = installed_adbd()
    entry = folder / "adbd.socket"
    libraries = root / "usr/lib/x86_64-linux-gnu"
    daemon = root / "usr/lib/android-sdk/platform-tools/adbd"
    command = (root / LOADER, "--library-path", f"{libraries}:{libraries}/android", daemon)
    log = folder / "adbd.log"
    with log.open("wb") as errors:
        inside = subprocess.Popen(
            (shutil.which("unshare") or "", "-Urn", sys.executable, __file__, entry, *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={"PATH": os.environ["PATH"], "ADBD_PORT": str(PORT), "HOME": str(folder)},
            start_new_session=True,
        )
    try:
        _wait_for(entry, inside, log)
        with _bridge(entry) as address:
            yield address, inside
    finally:
        with suppress(ProcessLookupError):
            os.killpg(inside.pid, signal.SIGKILL)
        inside.wait()


def _wait_for(entry: Path, inside: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not entry.exists():
        if inside.poll() is not None:
            pytest.skip(f"NOT PROVEN HERE: adbd does not start ({log.read_text()[-200:]})")
        assert time.monotonic() < deadline_s, "adbd did not start"
        time.sleep(0.02)


@contextmanager
def _bridge(entry: Path) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio sets it on others only
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await _join((reader, writer), await asyncio.open_unix_connection(str(entry)))

    async def stop() -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(attend, sock=listener), loop
    ).result()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _join(near: Streams, far: Streams) -> None:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 20):
                writer.write(data)
                await writer.drain()
        writer.close()

    await asyncio.gather(copy(near[0], far[1]), copy(far[0], near[1]))


def _raise_loopback() -> None:
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


async def _inside(entry: str, command: Sequence[str]) -> None:
    _raise_loopback()
    daemon = await asyncio.create_subprocess_exec(*command)
    while not _answers():
        if daemon.returncode is not None:
            raise SystemExit(f"adbd ended with status {daemon.returncode}")
        await asyncio.sleep(0.02)

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await _join((reader, writer), await asyncio.open_connection("127.0.0.1", PORT))
        writer.close()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, daemon.kill)
    async with await asyncio.start_unix_server(attend, entry):
        await daemon.wait()


def _answers() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


if __name__ == "__main__":
    asyncio.run(_inside(sys.argv[1], sys.argv[2:]))
