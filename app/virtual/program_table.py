"""Programs that a phone starts by itself, and what they read and write."""

from __future__ import annotations

import asyncio
import ctypes
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from app.virtual.limits.priority import yield_alike

_PR_SET_CHILD_SUBREAPER = 36


class Wiring(Enum):
    """What a program's input, output and errors are."""

    SEPARATE = "three sockets"
    MIXED = "two sockets, errors go where output goes"
    TERMINAL = "one terminal"


@dataclass(frozen=True)
class Program:
    """A running program; sockets stand in for pipes, as they do under a real adbd."""

    process_id: int
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader | None
    """None where it was merged into stdout."""
    exit_code: asyncio.Future[int]
    """128 + the signal's number where a signal ended it."""
    ends: tuple[asyncio.StreamWriter | asyncio.BaseTransport, ...]
    """What holds its streams open; a writer that nothing refers to closes itself."""

    def close(self) -> None:
        """Let go of its streams; it may go on running."""
        for end in self.ends:
            end.close()

    def hang_up(self) -> None:
        """Send SIGHUP to its session, as a phone does when the connection goes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process_id, signal.SIGHUP)


class ProgramTable:
    """Starts programs and collects every child that ends, adopted ones included.

    Must live in the main thread of a process that starts children in no other way.
    """

    def __init__(self, ended: Callable[[], None]) -> None:
        """Call `ended` whenever programs ended, before anybody is told of it."""
        self._ended = ended
        self._running: dict[int, tuple[subprocess.Popen[bytes], asyncio.Future[int]]] = {}
        _adopt_orphans()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._collect)

    @property
    def sessions(self) -> frozenset[int]:
        """The sessions of programs that were started here and have not ended."""
        return frozenset(self._running)

    async def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        wiring: Wiring,
    ) -> Program:
        """Start a program in its own session. Raises `OSError` where it cannot be started."""
        if wiring is Wiring.TERMINAL:
            return await self._start_on_terminal(arguments, environment, folder)
        pairs = [socket.socketpair() for _ in range(3 if wiring is Wiring.SEPARATE else 2)]
        ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        try:
            ends = (theirs[0].fileno(), theirs[1].fileno(), theirs[-1].fileno())
            process_id, exit_code = self._launch(arguments, environment, folder, ends)
        except OSError:
            for end in ours:
                end.close()
            raise
        finally:
            for end in theirs:
                end.close()
        streams = [await asyncio.open_connection(sock=end) for end in ours]
        stderr = streams[2][0] if wiring is Wiring.SEPARATE else None
        writers = tuple(writer for _, writer in streams)
        return Program(process_id, writers[0], streams[1][0], stderr, exit_code, writers)

    async def _start_on_terminal(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> Program:
        ours, theirs = pty.openpty()
        try:
            ends = (theirs, theirs, theirs)
            process_id, exit_code = self._launch(arguments, environment, folder, ends)
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        loop = asyncio.get_running_loop()
        stdout = asyncio.StreamReader()
        incoming, _ = await loop.connect_read_pipe(
            lambda: _TerminalOutput(stdout), os.fdopen(os.dup(ours), "rb", 0)
        )
        outgoing, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
            os.fdopen(ours, "wb", 0),
        )
        stdin = asyncio.StreamWriter(outgoing, protocol, None, loop)
        return Program(process_id, stdin, stdout, None, exit_code, (incoming, stdin))

    def _launch(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        ends: tuple[int, int, int],
    ) -> tuple[int, asyncio.Future[int]]:
        process = subprocess.Popen(  # noqa: S603 - a shell runs what it is asked
            arguments,
            env=environment,
            cwd=folder,
            stdin=ends[0],
            stdout=ends[1],
            stderr=ends[2],
            start_new_session=True,
        )
        yield_alike(process.pid)
        exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._running[process.pid] = (process, exit_code)
        return process.pid, exit_code

    def _collect(self) -> None:
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0] != 0:
                self._note_exit(found[0], os.waitstatus_to_exitcode(found[1]))
        self._ended()

    def _note_exit(self, process_id: int, status: int) -> None:
        if process_id not in self._running:
            return
        process, exit_code = self._running.pop(process_id)
        process.returncode = status
        if not exit_code.done():
            exit_code.set_result(status if status >= 0 else 128 - status)


class _TerminalOutput(asyncio.StreamReaderProtocol):
    """A terminal's last program leaves an input/output error behind: it is no more than an end."""

    def connection_lost(self, _: Exception | None) -> None:
        super().connection_lost(None)


def _adopt_orphans() -> None:
    """Make this process the parent of orphaned descendants, so that they can be collected."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
