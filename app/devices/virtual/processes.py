"""Programs a phone runs: started here, found again by their surroundings, ended together."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK_VARIABLE = "ANDROID_ROOT"
"""Environment variable that is different for every phone and inherited by all its programs."""

_PR_SET_CHILD_SUBREAPER = 36
_RESCAN_S = 2.0
_KILL_ROUNDS = 3
"""A program may start another while it is being ended."""


@dataclass(frozen=True)
class Program:
    """A running program; each stream is a socket, as it is under a real adbd."""

    process_id: int
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader | None
    """None where it was merged into stdout."""
    exit_code: asyncio.Future[int]
    """128 + the signal's number where a signal ended it."""
    sockets: tuple[asyncio.StreamWriter, ...]

    def close(self) -> None:
        """Let go of its streams; it may go on running."""
        for end in self.sockets:
            end.close()

    def hang_up(self) -> None:
        """Send SIGHUP to its session, as a phone does when the connection goes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process_id, signal.SIGHUP)


class ProgramTable:
    """Starts programs and collects every child that ends, adopted ones included.

    Must live in the main thread of a process that starts children in no other way.
    """

    def __init__(self) -> None:
        self._running: dict[int, tuple[subprocess.Popen[bytes], asyncio.Future[int]]] = {}
        _adopt_orphans()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._collect)

    async def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        *,
        merge_stderr: bool,
    ) -> Program:
        """Start a program in its own session. Raises `OSError` where it cannot be started."""
        pairs = [socket.socketpair() for _ in range(2 if merge_stderr else 3)]
        theirs = [pair[1] for pair in pairs]
        try:
            process = subprocess.Popen(  # noqa: ASYNC220, S603 - a shell runs what it is asked; quick
                arguments,
                env=environment,
                cwd=folder,
                stdin=theirs[0].fileno(),
                stdout=theirs[1].fileno(),
                stderr=theirs[-1].fileno(),
                start_new_session=True,
            )
            exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self._running[process.pid] = (process, exit_code)
        except OSError:
            for ours, _ in pairs:
                ours.close()
            raise
        finally:
            for end in theirs:
                end.close()
        streams = [await asyncio.open_connection(sock=ours) for ours, _ in pairs]
        stderr = None if merge_stderr else streams[2][0]
        sockets = tuple(writer for _, writer in streams)
        return Program(process.pid, sockets[0], streams[1][0], stderr, exit_code, sockets)

    def _collect(self) -> None:
        with suppress(ChildProcessError):
            while True:
                process_id, status = os.waitpid(-1, os.WNOHANG)
                if process_id == 0:
                    return
                self._note_exit(process_id, os.waitstatus_to_exitcode(status))

    def _note_exit(self, process_id: int, status: int) -> None:
        if process_id not in self._running:
            return
        process, exit_code = self._running.pop(process_id)
        process.returncode = status
        if not exit_code.done():
            exit_code.set_result(status if status >= 0 else 128 - status)


class PhonePrograms:
    """Every process of one phone, whoever started it and wherever its parent went."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._found: tuple[psutil.Process, ...] = ()
        self._scanned_s = float("-inf")

    def resident_bytes(self) -> int:
        """Return their resident memory together."""
        total = 0
        for process in self._recent():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def cpu_seconds(self) -> dict[int, float]:
        """Return the processor time each has used, by process id."""
        used = {}
        for process in self._recent():
            with suppress(psutil.Error):
                times = process.cpu_times()
                used[process.pid] = times.user + times.system
        return used

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of them."""
        for process in self._recent():
            with suppress(psutil.Error):
                process.send_signal(number)

    def end(self, grace_s: float = 1.0) -> None:
        """End all of them: politely first, then by force. Blocks for little more than the grace."""
        found = self.scan()
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        psutil.wait_procs(found, timeout=grace_s)
        for _ in range(_KILL_ROUNDS):
            if not self.scan():
                return
            self.signal(signal.SIGKILL)
            psutil.wait_procs(self._found, timeout=grace_s)

    def scan(self) -> tuple[psutil.Process, ...]:
        """Look for them now, among all processes of this user."""
        self._found = tuple(
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid() and self._is_ours(process)
        )
        self._scanned_s = time.monotonic()
        return self._found

    def _recent(self) -> tuple[psutil.Process, ...]:
        if time.monotonic() - self._scanned_s > _RESCAN_S:
            self.scan()
        return self._found

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            is_marked: bool = process.environ().get(MARK_VARIABLE) == self._mark
        except (psutil.Error, OSError):
            return False
        return is_marked


def _adopt_orphans() -> None:
    """Make this process the parent of orphaned descendants, so that they can be collected."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
