"""Each way of holding programs to a share of a core does hold them, where the machine has it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.virtual.adbd.peer_user import peer_user_id
from app.virtual.limits.control_group import limit_memory, limit_processor
from app.virtual.limits.duty_cycle import DutyCycle
from app.virtual.limits.processes import MARK_VARIABLE, PhonePrograms

SHARE = 0.25
TINY_SHARE = 0.01
"""Less than a busy program gets even on a crowded machine."""
WALL_S = 1.5
SPIN = (
    "import time\n"
    f"end = time.monotonic() + {WALL_S}\n"
    "while time.monotonic() < end: pass\n"
    "print(time.process_time())\n"
)


class BusyProgram:
    """Uses all the time there is unless it was stopped; stands in for a phone's programs."""

    def __init__(self) -> None:
        self.used_s = 0.0
        self.is_stopped = False

    def cpu_seconds(self) -> dict[int, float]:
        return {1: self.used_s}

    def signal(self, number: signal.Signals) -> None:
        self.is_stopped = number == signal.SIGSTOP

    def run(self, elapsed_s: float) -> None:
        self.used_s += 0.0 if self.is_stopped else elapsed_s


@pytest.mark.parametrize("tick_s", [0.02, 0.1])
def test_the_duty_cycle_gives_a_busy_program_its_share_however_seldom_it_looks(
    tick_s: float,
) -> None:
    program = BusyProgram()
    cycle = DutyCycle(program, SHARE)  # type: ignore[arg-type]
    for _ in range(int(200 / tick_s)):
        program.run(tick_s)
        cycle._settle(tick_s)
    assert 0.9 <= program.used_s / (200 * SHARE) <= 1.1


async def test_the_duty_cycle_stops_a_busy_program_and_lets_it_go_on(tmp_path: Path) -> None:
    mark = str(tmp_path / "system")
    programs = PhonePrograms(mark)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "while True: pass", env={MARK_VARIABLE: mark}
    )
    cycle = asyncio.create_task(DutyCycle(programs, TINY_SHARE).run())
    try:
        for status in (psutil.STATUS_STOPPED, psutil.STATUS_RUNNING, psutil.STATUS_STOPPED):
            while psutil.Process(process.pid).status() != status:  # noqa: ASYNC110 - the system tells nobody
                await asyncio.sleep(0.002)
    finally:
        cycle.cancel()
        with suppress(asyncio.CancelledError):
            await cycle
        programs.end()
        await process.wait()


def test_a_control_group_holds_a_busy_program_to_its_share() -> None:
    group = limit_processor("test", SHARE)
    if group is None:
        pytest.skip("this machine has no processor control groups for us")
    try:
        command = f'echo 0 >"{group.entry}" && exec "$0" -c "$1"'
        done = subprocess.run(
            ("/bin/sh", "-c", command, sys.executable, SPIN), capture_output=True, check=True
        )
        assert 0 < float(done.stdout) < WALL_S * SHARE * 2
    finally:
        group.remove()
    assert not group.folder.exists()


def test_a_control_group_ends_a_program_that_takes_too_much_memory() -> None:
    group = limit_memory("test", 60_000_000)
    if group is None:
        pytest.skip("this machine has no memory control groups for us")
    try:
        command = f'echo 0 >"{group.entry}" && exec "$0" -c "bytearray(200_000_000)"'
        done = subprocess.run(
            ("/bin/sh", "-c", command, sys.executable), capture_output=True, check=False
        )
        assert done.returncode != 0
    finally:
        group.remove()


async def test_the_owner_of_a_connection_is_known_on_linux() -> None:
    owners = []

    def attend(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        owners.append(peer_user_id(*ends))
        writer.close()

    server = await asyncio.start_server(attend, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await reader.read()
    writer.close()
    server.close()
    assert owners == [os.getuid() if sys.platform == "linux" else None]


def test_ending_reaches_a_program_that_ignores_polite_requests(tmp_path: Path) -> None:
    mark = str(tmp_path)
    process = subprocess.Popen(
        ("/bin/sh", "-c", "trap '' TERM; echo ready; sleep 600 & wait; sleep 600"),
        env={MARK_VARIABLE: mark, "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    PhonePrograms(mark).end(grace_s=0.2)
    assert PhonePrograms(mark).scan() == ()
    process.wait(timeout=20)
    process.stdout.close()
