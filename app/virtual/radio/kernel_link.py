"""A phone's Wi-Fi made by Linux: a network namespace, a cable to a bridge, `tc` at both ends.

For root alone. The phone's process moves into the namespace, so that all of it goes when the
process does; what computers reach the ADB daemon by stays outside. Every phone has an address of
its own and reaches the others and the host over the bridge, both ways at the persona's speed.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from app.virtual.persona import Persona
from app.virtual.radio.own_address import ADDRESSES, TRIES

INTERFACE = "wlan0"
_BRIDGE = "shardloom0"
_NETWORK, _PREFIX = "10.83", 16
VIRTUAL_NETWORK = ipaddress.ip_network(f"{_NETWORK}.0.0/{_PREFIX}")
"""Where phones with a network of their own are, on a bridge that leads nowhere else."""

_CLONE_NEWNET = 0x40000000
_NAMESPACE = "/proc/self/ns/net"
_BURST = "64kb"
_QUEUE = "50ms"
_TIMEOUT_S = 10.0
_TOOLS = ("ip", "tc", "nsenter")
_NEEDS_ROOT = "Linux and root are needed"
_NEEDS_TOOLS = "iproute2 and util-linux are needed"


class LinkRefusedError(Exception):
    """The kernel's link cannot be had; the phone says why among its limits."""

    def __str__(self) -> str:
        """Return what refused, and its words."""
        return ": ".join(map(str, self.args))


class KernelLink:
    """The link in force, from the making until `remove`. Raises `LinkRefusedError`."""

    def __init__(self, persona: Persona) -> None:
        if sys.platform != "linux" or os.geteuid() != 0:
            raise LinkRefusedError(_NEEDS_ROOT)
        if not all(map(shutil.which, _TOOLS)):
            raise LinkRefusedError(_NEEDS_TOOLS)
        self._outside = os.open(_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)
        _call("unshare", _CLONE_NEWNET)
        self._inside = os.open(_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)
        self._port = ""
        self.address = ""
        try:
            self._make_cable()
            self.lacks = self._shape(persona)
        except LinkRefusedError:
            self.remove()
            _call("setns", self._outside, _CLONE_NEWNET)
            raise

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Make sockets in the computer's own network for the length of a block, in this thread."""
        _call("setns", self._outside, _CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", self._inside, _CLONE_NEWNET)

    def remove(self) -> None:
        """Take the cable out, and the bridge away where nothing else is in it."""
        with suppress(LinkRefusedError):
            if self._port:
                self._run_outside("ip", "link", "del", self._port)
            if not list(Path(f"/sys/class/net/{_BRIDGE}/brif").glob("*")):
                self._run_outside("ip", "link", "del", _BRIDGE)

    def _make_cable(self) -> None:
        with suppress(LinkRefusedError):  # it is there already
            self._run_outside("ip", "link", "add", _BRIDGE, "type", "bridge")
            self._run_outside("ip", "addr", "add", f"{_NETWORK}.0.1/{_PREFIX}", "dev", _BRIDGE)
        self._run_outside("ip", "link", "set", _BRIDGE, "up")
        number = self._plug_in()
        self.address = f"{_NETWORK}.{number >> 8}.{number & 255}"
        self._run_outside("ip", "link", "set", self._port, "master", _BRIDGE, "up")
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "addr", "add", f"{self.address}/{_PREFIX}", "dev", INTERFACE)
        _run("ip", "link", "set", INTERFACE, "up")

    def _plug_in(self) -> int:
        """Make the cable under the first number that no other phone has, and return that."""
        attempt = 0
        while True:
            number = (os.getpid() + attempt) % ADDRESSES + 2
            ends = (f"sl{number}", "type", "veth", "peer", "name", INTERFACE)
            try:
                self._run_outside("ip", "link", "add", *ends, "netns", str(os.getpid()))
            except LinkRefusedError:
                attempt += 1
                if attempt == TRIES:
                    raise
            else:
                self._port = f"sl{number}"
                return number

    def _shape(self, persona: Persona) -> str:
        """Hold both directions to the persona's figures; return what the kernel cannot hold."""
        delay = _netem(persona)
        lacks = ""
        try:
            self._queue(delay, "root", "handle", "1:")
        except LinkRefusedError:
            delay, lacks = (), "latency and loss are not held, netem is missing"
        if persona.link_mbit_per_second is not None:
            rate = f"{max(round(persona.link_mbit_per_second * 1000), 8)}kbit"
            bucket = ("tbf", "rate", rate, "burst", _BURST, "latency", _QUEUE)
            self._queue(bucket, *(("parent", "1:1") if delay else ("root",)))
        return lacks

    def _queue(self, discipline: Sequence[str], *place: str) -> None:
        if discipline:
            _run("tc", "qdisc", "add", "dev", INTERFACE, *place, *discipline)
            self._run_outside("tc", "qdisc", "add", "dev", self._port, *place, *discipline)

    def _run_outside(self, *command: str) -> None:
        _run("nsenter", f"--net=/proc/self/fd/{self._outside}", *command, kept=(self._outside,))


def _netem(persona: Persona) -> tuple[str, ...]:
    if not persona.link_latency_ms and not persona.link_loss:
        return ()
    figures = ("delay", f"{persona.link_latency_ms or 0}ms", "loss", f"{persona.link_loss:%}")
    return ("netem", *figures, "limit", "10000")


def _run(*command: str, kept: tuple[int, ...] = ()) -> None:
    try:
        subprocess.run(  # noqa: S603 - figures of a checked persona
            command, capture_output=True, check=True, timeout=_TIMEOUT_S, pass_fds=kept, text=True
        )
    except subprocess.CalledProcessError as error:
        raise LinkRefusedError(command[0], error.stderr.strip()) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LinkRefusedError(str(error)) from None


def _call(name: str, *arguments: int) -> None:
    """Call the C library. Raises `LinkRefusedError` with the kernel's reason."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        raise LinkRefusedError(name, os.strerror(ctypes.get_errno()))
