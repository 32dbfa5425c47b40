"""By what a phone's programs reach others: this computer's loopback, or a network of their own."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from app.devices.virtual.kernel_link import KernelLink, LinkRefusedError
from app.devices.virtual.persona import Persona

_USERSPACE = "Wi-Fi: as slow in userspace, for connections it opens alone"
_LOOPBACK = "127.0.0.1/8"


@dataclass(frozen=True)
class Wifi:
    """A phone's address, and what the phone says of it; `kernel` where Linux shapes the link."""

    kernel: KernelLink | None
    address: str
    line: str

    @staticmethod
    def of(persona: Persona) -> Wifi:
        """Make what the persona asks for, or say why the link is shaped in userspace instead."""
        if persona.link_by != "kernel":
            return Wifi(None, _LOOPBACK, "")
        if persona.wireless or not persona.wifi:
            return Wifi(None, _LOOPBACK, f"{_USERSPACE}, for it has no plain Wi-Fi")
        try:
            kernel = KernelLink(persona)
        except LinkRefusedError as error:
            reason = str(error).replace(";", ",")
            return Wifi(None, _LOOPBACK, f"{_USERSPACE}, for {reason}")
        lacks = f" ({kernel.lacks})" if kernel.lacks else ""
        text = f"Wi-Fi: as slow by Linux' tc, both ways, whoever connects{lacks}"
        return Wifi(kernel, f"{kernel.address}/16", text)

    def outside(self) -> AbstractContextManager[None]:
        """Make sockets where computers look for the phone, for the length of a block."""
        return self.kernel.outside() if self.kernel else nullcontext()

    def remove(self) -> None:
        """Take the phone off its network."""
        if self.kernel is not None:
            self.kernel.remove()
