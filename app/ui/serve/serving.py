"""The rack at an HTTP address while the window is open: on, off, and how that stands."""

from __future__ import annotations

from enum import Enum, auto
from functools import partial
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from app.rack.control import RackControl
from app.rack.door.serving import ApiKey, KeyLimits, ServeActivity
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.words.catalogue import tr


class HttpAddress(Protocol):
    """An address that is open."""

    address: str

    @property
    def listening(self) -> bool:
        """Whether it still answers."""
        ...

    def activity(self) -> ServeActivity:
        """Return what is under way and what was refused."""
        ...

    def close(self) -> None:
        """End answers under way and return once the address is free."""
        ...


class HttpDoor(Protocol):
    """What opens addresses of this computer; the window knows nothing of HTTP."""

    def open(self, control: RackControl, port: int) -> HttpAddress:
        """Open one. Raises `ShardloomError` where that cannot be done."""
        ...

    def keys(self) -> tuple[ApiKey, ...]:
        """Return every key there ever was; where none is valid everybody here may. May wait."""
        ...

    def add_key(self, name: str, limits: KeyLimits) -> str:
        """Make a key and return it; it cannot be had again. May wait. Raises `BadInputError`."""
        ...

    def revoke_key(self, name: str) -> None:
        """Let a key open nothing any more. May wait. Raises `BadInputError`."""
        ...


class ServeState(Enum):
    """How the address stands."""

    OFF = auto()
    OPENING = auto()
    ON = auto()
    CLOSING = auto()
    LOST = auto()
    """It was on and has stopped by itself."""


class Serving(QObject):
    """Opens and closes the address on other threads; lives on the GUI thread."""

    changed = Signal()

    def __init__(self, link: RackLink, settings: Settings, door: HttpDoor | None) -> None:
        super().__init__()
        self._link = link
        self._settings = settings
        self._door = door
        self._address: HttpAddress | None = None
        self.state = ServeState.OFF
        self.failure = ""
        """Why it could not be opened."""
        link.aged.connect(self._look)

    @property
    def possible(self) -> bool:
        """Whether this window can serve at all."""
        return self._door is not None

    @property
    def address(self) -> str:
        """Where clients find it, empty while it is not on."""
        on = self.state is ServeState.ON
        return f"{self._address.address}/v1" if on and self._address else ""

    @property
    def port(self) -> int:
        """The port that is asked for."""
        return self._settings.serve_port

    @property
    def door(self) -> HttpDoor | None:
        """What opens the address and keeps its keys."""
        return self._door

    def activity(self) -> ServeActivity:
        """Return what the address does now; nothing while it is not on."""
        on = self.state is ServeState.ON and self._address is not None
        return self._address.activity() if on and self._address else ServeActivity()

    def open(self, port: int) -> None:
        """Open the address; `changed` follows."""
        door = self._door
        if door is None or self.state not in (ServeState.OFF, ServeState.LOST):
            return
        self._settings.serve_port = port
        self._enter(ServeState.OPENING)
        self._link.read(lambda control: door.open(control, port), self._opened, self._refused)

    def close(self) -> None:
        """Close the address; `changed` follows."""
        address = self._address
        if address is None or self.state is not ServeState.ON:
            return
        self._enter(ServeState.CLOSING)
        closed = partial(self._enter, ServeState.OFF)
        self._link.read(lambda _control: address.close(), lambda _none: closed(), self._refused)

    def end(self) -> None:
        """Close the address and wait for that: the window goes."""
        if self._address is not None:
            self._address.close()
            self._address = None

    def _opened(self, address: HttpAddress) -> None:
        self._address = address
        self._enter(ServeState.ON)

    def _refused(self, why: str) -> None:
        self._enter(ServeState.OFF, why or tr("The rack is not open yet."))

    def _look(self) -> None:
        if self.state is ServeState.ON and self._address and not self._address.listening:
            self._enter(ServeState.LOST)

    def _enter(self, state: ServeState, failure: str = "") -> None:
        self.state, self.failure = state, failure
        if state in (ServeState.OFF, ServeState.LOST):
            self._address = None
        self.changed.emit()
