"""Phones of a rack that exist only while it is open, and what a tester may do to them.

Whoever opens a rack need not know what they are: they answer at addresses like any other phone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Final

from app.core.errors import BadInputError, PhoneLostError
from app.core.identifiers import Serial
from app.virtual.disturbance import Disturbance
from app.virtual.persona import Persona
from app.virtual.rack import VirtualRack, phones_at_once

CROWD_PER_PROCESSOR: Final = 8
"""More phones than that for each processor would keep a window from moving."""
NICENESS_OF_A_CROWD: Final = 10


class StartedPhones:
    """Phones that run on this computer, none for a rack that has only others.

    Blocking, by one thread at a time. What is done to a phone raises `BadInputError` for one that
    is not among them: a person has to do it by hand; and `PhoneLostError` for one that ended.
    """

    def __init__(
        self, personas: Sequence[Persona], folder: Path, *, beside_a_window: bool = False
    ) -> None:
        niceness = niceness_of(len(personas)) if beside_a_window else 0
        self._rack = VirtualRack(personas, folder, niceness)
        self.serials = frozenset(Serial(persona.serial) for persona in personas)
        """Who they are."""
        self._coming: Future[tuple[str, ...]] | None = None
        self._starter: Thread | None = None

    @property
    def takes_a_while(self) -> bool:
        """Whether so many are to be started that nobody should wait for the last of them."""
        return len(self.serials) > phones_at_once()

    def begin(self, told: Callable[[str], object]) -> None:
        """Start them on a thread of its own; `told`, there, hears of each address that answers."""
        coming: Future[tuple[str, ...]] = Future()

        def start() -> None:
            try:
                coming.set_result(self._rack.start(told))
            except Exception as error:  # noqa: BLE001 - told to whoever asks for the addresses
                coming.set_exception(error)

        self._coming = coming
        self._starter = Thread(target=start, name="starting-phones", daemon=True)
        self._starter.start()

    @property
    def coming(self) -> bool:
        """Whether some are still being started.

        Raises `PhoneLostError` where one did not come up: all are ended then.
        """
        if self._coming is None or not self._coming.done():
            return self._coming is not None
        self._coming.result()
        return False

    def start(self) -> tuple[str, ...]:
        """Start them and return their addresses. Raises `PhoneLostError`; none is left then."""
        return self._rack.start()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where they answer, for certain; `host:port`."""
        return self._rack.addresses

    def stop(self) -> None:
        """End them with everything they started, also while they are being started."""
        if self._starter is not None:
            self._rack.give_up()
            self._starter.join()
        self._rack.stop()

    def restart_adbd(self, serial: Serial) -> None:
        """Restart debugging: every ADB connection to the phone breaks."""
        self._disturb(serial, Disturbance.ADBD_RESTART)

    def plug(self, serial: Serial, *, is_plugged: bool) -> None:
        """Put the charger in or pull it out."""
        self._disturb(serial, Disturbance.PLUG if is_plugged else Disturbance.UNPLUG)

    def take(self, serial: Serial, *, is_taken: bool) -> None:
        """Let another computer have the phone alone, or give it back."""
        self._disturb(serial, Disturbance.TAKE if is_taken else Disturbance.GIVE_BACK)

    def heat(self, serial: Serial, celsius: float) -> None:
        """Warm the phone; it cools by itself."""
        self._require(serial)
        self._rack.heat(serial, celsius)

    def _disturb(self, serial: Serial, disturbance: Disturbance) -> None:
        self._require(serial)
        self._rack.disturb(serial, disturbance)

    def _require(self, serial: Serial) -> None:
        if self._coming is not None and not self._coming.done():
            raise PhoneLostError("virtual_phone.not_running", phone=serial)
        if serial not in self._rack.serials:
            raise BadInputError("phone.not_simulated", phone=serial)


def niceness_of(phones: int) -> int:
    """Return how far so many phones have to yield this computer's processors to a window."""
    is_crowd = phones > CROWD_PER_PROCESSOR * (os.cpu_count() or 1)
    return NICENESS_OF_A_CROWD if is_crowd else 0
