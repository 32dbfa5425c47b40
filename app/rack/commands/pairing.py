"""Commands that bring phones to a rack: by a pairing code, a QR code or an address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from app.rack.commands.command import Command
from app.rack.pairing import (
    PairedPhone,
    PairingRequest,
    PairingStep,
    PairingWindow,
    Place,
    SeenPhone,
)

Tell = Callable[[PairingStep], None]
"""Called with each step of a pairing, on a thread of its own."""


@dataclass(frozen=True)
class WatchPairing(Command[None]):
    """Call the listener, on a thread of its own, with the phones that show a pairing code.

    Goes on until the Future is cancelled.
    """

    while_opening: ClassVar[bool] = True
    listener: Callable[[tuple[PairingWindow, ...]], None] = field(compare=False, repr=False)

    def as_record(self) -> WatchPairing:
        """Return it without its listener."""
        return WatchPairing(_tell_nobody)


@dataclass(frozen=True)
class PairByCode(Command[PairedPhone]):
    """Pair with the phone that shows this `HOST:PORT` and six digits; it joins the rack."""

    while_opening: ClassVar[bool] = True
    address: str
    code: str = field(repr=False)
    tell: Tell = field(compare=False, repr=False)

    def as_record(self) -> PairByCode:
        """Return it without its code."""
        return PairByCode(self.address, "", _tell_nobody)


@dataclass(frozen=True)
class PairByQr(Command[PairedPhone]):
    """Wait until a phone has read the QR code, then do as `PairByCode`; it can be cancelled."""

    while_opening: ClassVar[bool] = True
    request: PairingRequest = field(repr=False)
    tell: Tell = field(compare=False, repr=False)

    def as_record(self) -> PairByQr:
        """Return it without its secret."""
        return PairByQr(replace(self.request, password=""), _tell_nobody)


@dataclass(frozen=True)
class AddPlace(Command[tuple[SeenPhone, ...]]):
    """Let the phones at a place join, while this rack is open.

    Where `patient`, an address that does not answer yet counts too: its phones join once it does.
    """

    while_opening: ClassVar[bool] = True
    place: Place
    patient: bool = False


def _tell_nobody(_news: object) -> None:
    """Stand for whoever was told, who may be gone: a widget must not live on in a record."""
