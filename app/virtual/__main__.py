"""`python -m app.virtual PERSONA.json FOLDER` is one virtual phone.

Prints its port on standard output once it listens, or what keeps it from that as `fact_line` does.
Reads one command a line from standard input:
`accept` accepts the keys of the computers that wait; `pair` opens a pairing window and prints its
code and port; `scan TEXT` does what a QR code asks for and prints the window's name and port;
the words of `Disturbance` do what befalls a phone. Ends, with everything it started, when standard
input ends: whoever started it need not be alive to say so.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import logging
import os
import selectors
import signal
import sys
import time
from pathlib import Path

from app.core.errors import BadInputError, ShardloomError
from app.virtual.disturbance import disturb
from app.virtual.fact_line import line_of
from app.virtual.persona import Persona
from app.virtual.phone import VirtualPhone

_LOCK_TIMEOUT_S = 3.0
_PR_SET_TIMERSLACK = 29
_SHORTEST_SLACK_NS = 1
_LOGGER = logging.getLogger("app.virtual")


def main(arguments: list[str]) -> int:
    """Run the phone; return the exit status."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m app.virtual PERSONA.json FOLDER\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    persona_file, folder = map(Path, arguments)
    try:
        persona = Persona.from_json(persona_file.read_text(), persona_file.name)
        _lock(folder)
        with asyncio.Runner(loop_factory=_precise_loop) as runner:
            runner.run(_live(persona, folder))
    except (ShardloomError, OSError) as error:
        _LOGGER.critical("%s", error)
        if isinstance(error, ShardloomError):
            _answer(line_of(error.fact))
        return 1
    return 0


async def _live(persona: Persona, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, commands.feed_eof)
    _let_programs_hang_up(loop)
    phone = VirtualPhone(persona, folder, commands.feed_eof)
    try:
        port = await phone.start()
        _answer(str(port))
        while command := await commands.readline():
            _obey(phone, command.decode(errors="replace").strip())
    finally:
        await phone.stop()


def _let_programs_hang_up(loop: asyncio.AbstractEventLoop) -> None:
    """Outlive a closed terminal; a handler, unlike ignoring, is not inherited by programs."""
    loop.add_signal_handler(signal.SIGHUP, lambda: None)


def _obey(phone: VirtualPhone, command: str) -> None:
    name, _, rest = command.partition(" ")
    try:
        if name == "accept":
            phone.accept_keys()
        elif name == "pair":
            _answer(phone.open_pairing())
        elif name == "scan":
            _answer(phone.scan(rest))
        else:
            disturb(phone, name, rest)
    except BadInputError as error:
        _answer(line_of(error.fact))


def _answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _lock(folder: Path) -> None:
    """Hold the folder until this process ends. Raises `BadInputError` where another one does."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline_s = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                raise BadInputError("virtual_phone.in_use", phone=folder.name) from None
            time.sleep(0.02)
        else:
            return


def _precise_loop() -> asyncio.AbstractEventLoop:
    """Return a loop whose timers are finer than the millisecond that poll and epoll allow.

    Linux lets every timer be late by 50 us to wake up less often; that is asked not to happen.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, _SHORTEST_SLACK_NS, 0, 0, 0)
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
