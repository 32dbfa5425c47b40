"""A rack of virtual phones, each in its own process and folder."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from app.core.errors import BadInputError, PhoneLostError
from app.core.facts import Fact
from app.virtual.disturbance import HEAT, Disturbance
from app.virtual.fact_line import fact_of
from app.virtual.limits.control_group import remove_abandoned
from app.virtual.limits.priority import yield_processor
from app.virtual.limits.processes import PhonePrograms, phone_mark
from app.virtual.persona import Persona

_START_TIMEOUT_S = 60.0
_STARTED_PER_PROCESSOR = 3
"""Starting costs processor time, which everybody else here needs too."""
_STOP_TIMEOUT_S = 6.0
_TIMEOUT_OF_EACH_S = 1.0
"""More time for each phone: they share the machine's cores while they start and end."""

_ENDING_LOOK_S = 0.2
"""How soon a start that is no longer wanted is noticed."""
_ANSWER_TIMEOUT_S = 30.0
"""A phone that ended is noticed at once; one that is only slow is waited for."""
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LANG")
_LOG_FILE = "phone.log"
_SOURCE_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class _RunningPhone:
    process: subprocess.Popen[bytes]
    folder: Path
    address: str


class VirtualRack:
    """Starts, ends and accepts keys on virtual phones; everything else is said over ADB.

    Each phone keeps its files below `folder` from one run to the next, and yields the processor by
    `niceness` (0 to 19). Used by one thread, but for `give_up`.
    """

    def __init__(self, personas: Sequence[Persona], folder: Path, niceness: int = 0) -> None:
        if len({persona.serial for persona in personas}) != len(personas):
            raise BadInputError("virtual_rack.serial_twice")
        self._personas = tuple(personas)
        self._folder = folder.resolve()
        self._niceness = niceness
        self._phones: dict[str, _RunningPhone] = {}
        self._given_up = Event()

    @property
    def addresses(self) -> tuple[str, ...]:
        """ADB addresses (`host:port`) of the phones that were started and not ended, in order."""
        return tuple(phone.address for phone in self._phones.values())

    @property
    def serials(self) -> frozenset[str]:
        """Serial numbers of those phones."""
        return frozenset(self._phones)

    def start(self, told: Callable[[str], object] | None = None) -> tuple[str, ...]:
        """Start all phones, a few at a time, until each listens; return their addresses.

        `told` hears of each address as soon as it answers. Raises `PhoneLostError` with what the
        phone said where one does not come up, or where it was given up; the others are ended then.
        """
        at_once = phones_at_once()
        try:
            for first in range(0, len(self._personas), at_once):
                self._start_some(self._personas[first : first + at_once], told)
        except PhoneLostError:
            _end(phone.process for phone in self._phones.values())
            self._phones.clear()
            raise
        return self.addresses

    def give_up(self) -> None:
        """Let `start`, on another thread, end soon and end what it started."""
        self._given_up.set()

    def _start_some(
        self, personas: Sequence[Persona], told: Callable[[str], object] | None
    ) -> None:
        launched = {persona.serial: self._launch(persona) for persona in personas}
        deadline_s = time.monotonic() + _START_TIMEOUT_S + len(launched) * _TIMEOUT_OF_EACH_S
        try:
            for serial, process in launched.items():
                folder = self._folder / serial
                port = self._read_port(process, folder, deadline_s)
                phone = _RunningPhone(process, folder, f"127.0.0.1:{port}")
                self._phones[serial] = phone
                if told is not None:
                    told(phone.address)
        except PhoneLostError:
            _end(launched.values())
            raise

    def stop(self) -> None:
        """End all phones with everything they started, by force where they do not comply."""
        phones = list(self._phones.values())
        self._phones.clear()
        _end(phone.process for phone in phones)
        for phone in phones:
            PhonePrograms(phone_mark(phone.folder)).end()
        remove_abandoned()

    def kill(self, serial: str) -> None:
        """End a phone and its programs at once, as if it had vanished."""
        phone = self._phones.pop(serial)
        phone.process.kill()
        phone.process.wait()
        _close_pipes(phone.process)
        PhonePrograms(phone_mark(phone.folder)).end(grace_s=0)
        remove_abandoned()

    def accept_key(self, serial: str) -> None:
        """Accept, on the phone, the key of every computer that waits for it.

        Raises `PhoneLostError`.
        """
        self._tell(serial, "accept")

    def open_pairing(self, serial: str) -> tuple[str, int]:
        """Open a wireless phone's pairing window; return its six digits and its port.

        Raises `PhoneLostError`, or `BadInputError` where the phone has no wireless debugging.
        """
        return self._window(serial, "pair")

    def scan(self, serial: str, text: str) -> tuple[str, int]:
        """Let a wireless phone see a pairing QR code; return its window's name and port.

        Raises `PhoneLostError`, or `BadInputError` where the phone cannot do what it says.
        """
        return self._window(serial, f"scan {text.replace(chr(10), ' ')}")

    def disturb(self, serial: str, disturbance: Disturbance) -> None:
        """Let something befall a phone. Raises `PhoneLostError`."""
        self._tell(serial, disturbance.value)

    def heat(self, serial: str, celsius: float) -> None:
        """Make a phone that warm. Raises `PhoneLostError`."""
        self._tell(serial, f"{HEAT} {celsius}")

    def _window(self, serial: str, command: str) -> tuple[str, int]:
        phone = self._tell(serial, command)
        answer = _read_line(phone.process, time.monotonic() + _ANSWER_TIMEOUT_S)
        name, _, port = answer.rpartition(" ")
        if not port.isdigit():
            raise BadInputError(fact_of(answer) or Fact("virtual_phone.silent", phone=serial))
        return name, int(port)

    def _tell(self, serial: str, command: str) -> _RunningPhone:
        phone = self._phones.get(serial)
        if phone is None or phone.process.stdin is None:
            raise PhoneLostError("virtual_phone.not_running", phone=serial)
        try:
            phone.process.stdin.write(f"{command}\n".encode())
            phone.process.stdin.flush()
        except BrokenPipeError:
            raise PhoneLostError("virtual_phone.not_running", phone=serial) from None
        return phone

    def _read_port(self, process: subprocess.Popen[bytes], folder: Path, deadline_s: float) -> int:
        """Return the port the phone prints.

        Raises `PhoneLostError` where it ends or stays silent, or where the start was given up.
        """
        line = ""
        while not line and time.monotonic() < deadline_s and not self._given_up.is_set():
            line = _read_line(process, min(deadline_s, time.monotonic() + _ENDING_LOOK_S))
            if not line and process.poll() is not None:
                break
        if not line.isdigit():
            reason = fact_of(line) or _last_words(folder)
            raise PhoneLostError("virtual_phone.not_started", phone=folder.name, reason=reason)
        return int(line)

    def _launch(self, persona: Persona) -> subprocess.Popen[bytes]:
        folder = self._folder / persona.serial
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        persona_file = folder / "persona.json"
        persona_file.write_text(persona.to_json())
        with (folder / _LOG_FILE).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
                (sys.executable, "-m", __package__, str(persona_file), str(folder)),
                cwd=_SOURCE_ROOT,
                env={key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        if self._niceness:
            yield_processor(process.pid, self._niceness)
        return process


def phones_at_once() -> int:
    """Return how many phones are started together on this computer."""
    return (os.cpu_count() or 1) * _STARTED_PER_PROCESSOR


def _read_line(process: subprocess.Popen[bytes], deadline_s: float) -> str:
    """Return the phone's next line, nothing where it does not come in time."""
    if process.stdout is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(max(deadline_s - time.monotonic(), 0)):
            return ""
        return process.stdout.readline().decode(errors="replace").strip()


def _last_words(folder: Path) -> Fact | str:
    lines = (folder / _LOG_FILE).read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else Fact("virtual_phone.said_nothing")


def _end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Close every phone's lifeline first, then wait for all of them together."""
    ending = list(processes)
    for process in ending:
        _close_pipes(process)
    deadline_s = time.monotonic() + _STOP_TIMEOUT_S + len(ending) * _TIMEOUT_OF_EACH_S
    for process in ending:
        try:
            process.wait(max(deadline_s - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # a command that a phone did not live to read
                pipe.close()
