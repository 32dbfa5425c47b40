"""By what a phone's programs reach others: this computer's loopback, or a network of their own."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from app.virtual.persona import Persona
from app.virtual.radio.kernel_link import KernelLink, LinkRefusedError
from app.virtual.radio.own_address import OwnAddress
from workers.protocol.configuration import LOOPBACK

_LOOPBACK_PREFIX = 8
_HALF = "connections that others open to it are not slowed, loopback has one address here"


@dataclass(frozen=True)
class Wifi:
    """A phone's address with its prefix, and what the phone says of it.

    `kernel` where Linux shapes the link, `own` where the phone's process does, for both ways.
    """

    address: str
    line: str
    kernel: KernelLink | None = None
    own: OwnAddress | None = None

    @staticmethod
    def of(persona: Persona) -> Wifi:
        """Make what the persona asks for, or say why the link is shaped in userspace instead."""
        if persona.link_by != "kernel":
            return Wifi._in_userspace(persona)
        if persona.wireless or not persona.wifi:
            return Wifi._in_userspace(persona, "it has no plain Wi-Fi")
        try:
            kernel = KernelLink(persona)
        except LinkRefusedError as error:
            return Wifi._in_userspace(persona, str(error).replace(";", ","))
        lacks = f" ({kernel.lacks})" if kernel.lacks else ""
        text = f"Wi-Fi: as slow by Linux' tc, both ways, whoever connects{lacks}"
        return Wifi(f"{kernel.address}/16", text, kernel=kernel)

    @staticmethod
    def _in_userspace(persona: Persona, why: str = "") -> Wifi:
        """Find addresses of its own for a phone that is not as fast as loopback."""
        shaped = persona.wifi and persona.has_link_limits
        own = OwnAddress.claimed() if shaped else None
        parts = (
            f"as slow in userspace, for {why}" if why else "",
            _HALF if shaped and not own else "",
        )
        text = ", ".join(part for part in parts if part)
        address = own.outer if own else LOOPBACK
        return Wifi(f"{address}/{_LOOPBACK_PREFIX}", f"Wi-Fi: {text}" if text else "", own=own)

    def outside(self) -> AbstractContextManager[None]:
        """Make sockets where computers look for the phone, for the length of a block."""
        return self.kernel.outside() if self.kernel else nullcontext()

    def remove(self) -> None:
        """Take the phone off its network."""
        if self.kernel is not None:
            self.kernel.remove()
        if self.own is not None:
            self.own.release()
