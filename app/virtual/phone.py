"""One virtual phone: its folder, its programs, its limits and its ADB daemon."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.clock import SystemClock
from app.core.errors import BadInputError
from app.core.nursery import Nursery
from app.core.vitals import Doze
from app.virtual import software
from app.virtual.adbd.authentication import TrustedKeys
from app.virtual.adbd.daemon import AdbDaemon
from app.virtual.adbd.services import Services
from app.virtual.body import figures
from app.virtual.body.body import Condition
from app.virtual.condition_update import ConditionUpdate
from app.virtual.limits.duty_cycle import DutyCycle
from app.virtual.limits.emulation import find_emulation
from app.virtual.limits.governor import Governor
from app.virtual.limits.limits import apply_limits
from app.virtual.limits.processes import MARK_VARIABLE, ROOT_FOLDER, PhonePrograms, phone_mark
from app.virtual.persona import Persona
from app.virtual.program_table import Program, ProgramTable, Wiring
from app.virtual.radio.inbound import Inbound
from app.virtual.radio.proxy import Proxy
from app.virtual.radio.shaper import Radio
from app.virtual.radio.wifi import Wifi
from app.virtual.rootfs import WORK_FOLDER, Rootfs
from workers.protocol.configuration import BIND_VARIABLE

if TYPE_CHECKING:
    from app.virtual.adbd.wireless_debugging import WirelessDebugging

_TICK_S = 1.0
_ADBD_AWAY_S = 1.0
"""How long a real phone's init takes to start its daemon again."""

_CHANGING = ("/proc/", "/sys/", "dumpsys", "cmd ")
"""Where a command has one of these, it may read what changes by itself."""

_TAKE_TERMINAL = "exec </dev/stdin"
"""The first terminal that the leader of a session opens becomes the session's own."""

_LOGGER = logging.getLogger(__name__)


def _wireless_debugging(persona: Persona, folder: Path, keys: TrustedKeys) -> WirelessDebugging:
    """Import what few phones need, and a quarter of a phone's start goes into, only for them."""
    from app.virtual.adbd.wireless_debugging import WirelessDebugging  # noqa: PLC0415

    return WirelessDebugging(persona.serial, folder, keys)


class VirtualPhone:
    """Switched on from `start` to `stop`. `switch_off` is called when its battery is empty."""

    def __init__(self, persona: Persona, folder: Path, switch_off: Callable[[], None]) -> None:
        self._persona = persona
        self._switch_off = switch_off
        self._radio = Radio.of(persona)
        self._rootfs = Rootfs(folder / ROOT_FOLDER)
        keys = TrustedKeys(folder / "adb_keys")
        self._wireless = _wireless_debugging(persona, folder, keys) if persona.wireless else None
        self._programs = PhonePrograms(phone_mark(folder), os.getpid())
        self._programs.end()
        self._limits = apply_limits(persona)
        self._emulation = find_emulation(persona)
        self._wifi = Wifi.of(persona)
        self._inbound = Inbound(self._radio, self._wifi.own) if self._wifi.own else None
        self._table = ProgramTable(self._inbound.follow if self._inbound else lambda: None)
        services = Services(self._rootfs, self._start_program, self._refresh)
        self._daemon = AdbDaemon(persona, self._radio, keys, self._wireless, services.find)
        self._daemon.outside = self._wifi.outside
        self._cycle = self._make_cycle()
        self._life = ConditionUpdate(
            persona, self._rootfs, self._programs, self._make_governor(), time.monotonic()
        )
        self._background = Nursery(SystemClock())
        self._servers: list[asyncio.Server] = []
        self._environment: dict[str, str] = {}

    def _make_cycle(self) -> DutyCycle | None:
        share = self._persona.processor_share
        if share is None or not self._limits.needs_duty_cycle:
            return None
        return DutyCycle(self._programs, share)

    def _make_governor(self) -> Governor:
        return Governor(
            self._limits,
            self._cycle,
            self._persona.processor_share,
            self._programs,
            lambda: self._table.sessions,
        )

    async def start(self) -> int:
        """Install the phone's files, start listening and return the port."""
        self._install()
        is_shaped_here = self._persona.has_link_limits and self._wifi.kernel is None
        is_free = self._persona.reaches_others and not is_shaped_here
        proxy_port = None if is_free else await self._start_proxy()
        self._environment = self._program_environment(proxy_port)
        if self._cycle is not None:
            self._background.start_soon(self._cycle.run(), "processor share")
        port = await self._daemon.start()
        for line in self._lines:
            _LOGGER.info(line)
        self._background.start_soon(self._live(), "life")
        if self._persona.adbd_restart_every_s is not None:
            self._background.start_soon(
                self._keep_restarting(self._persona.adbd_restart_every_s), "restarts of adbd"
            )
        if self._wireless is not None:
            self._background.start_soon(_noted(self._wireless.advertise(port)), "advertising")
        return port

    async def stop(self) -> None:
        """Stop listening and end everything the phone started."""
        await self._background.close()
        await self._daemon.stop()
        for server in self._servers:
            server.close()
        if self._inbound is not None:
            await self._inbound.close()
        self._programs.end()
        self._limits.remove()
        self._wifi.remove()
        self._rootfs.forget_alias()

    @property
    def _lines(self) -> tuple[str, ...]:
        """What holds the phone to its figures, or could not."""
        lines = (*self._limits.lines, self._wifi.line, self._emulation.line)
        return tuple(line for line in lines if line)

    async def _live(self) -> None:
        """Let the phone drain, heat, cool and sleep until it is switched off."""
        while not self._live_on().is_empty:  # noqa: ASYNC110 - time passes without an event
            await asyncio.sleep(_TICK_S)
        _LOGGER.warning("The battery is empty: the phone switches itself off")
        self._switch_off()

    def _live_on(self) -> Condition:
        condition = self._life.advance(time.monotonic())
        self._radio.sleep(asleep=condition.doze in {Doze.LIGHT, Doze.DEEP})
        return condition

    def plug(self, *, is_plugged: bool) -> None:
        """Plug the charger in or out."""
        self._life.body.is_plugged = is_plugged

    def heat(self, celsius: float) -> None:
        """Make the phone that warm."""
        self._life.body.heat.put(celsius)

    def be_busy(self, *, is_busy: bool) -> None:
        """Give the phone to another computer, or back."""
        self._daemon.is_busy = is_busy
        if is_busy:
            self._daemon.drop()

    def restart_adbd(self) -> None:
        """Let the ADB daemon end and start again on the same port."""
        self._background.start_soon(self._restart_adbd(), "restart of adbd")

    async def _restart_adbd(self) -> None:
        await self._daemon.stop()
        if self._persona.adbd_restart_ends_programs:
            self._programs.end()
        await asyncio.sleep(_ADBD_AWAY_S)
        try:
            await self._daemon.start()
        except OSError as error:
            _LOGGER.warning("the ADB daemon did not start again: %s", error)
            self._switch_off()

    async def _keep_restarting(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._restart_adbd()

    def accept_keys(self) -> None:
        """Accept the key of every computer that waits, as a person does on the screen."""
        self._daemon.accept_keys()

    def open_pairing(self) -> str:
        """Open a pairing window; return its code and port. Raises `BadInputError`."""
        wireless = self._wireless_debugging()
        code, server = wireless.open_window()
        self._background.start_soon(
            _noted(wireless.run_window(server, wireless.guid)), "pairing window"
        )
        return f"{code} {server.port}"

    def scan(self, text: str) -> str:
        """Open the pairing window that a QR code asks for; return its name and port.

        Raises `BadInputError`.
        """
        wireless = self._wireless_debugging()
        name, server = wireless.scan(text)
        self._background.start_soon(_noted(wireless.run_window(server, name)), "pairing window")
        return f"{name} {server.port}"

    def _wireless_debugging(self) -> WirelessDebugging:
        if self._wireless is None:
            raise BadInputError("virtual_phone.without_wireless", phone=self._persona.serial)
        return self._wireless

    def _install(self) -> None:
        persona, write = self._persona, self._rootfs.write
        software.install(self._rootfs, python=self._has_python)
        write("system/build.prop", figures.build_properties(persona, self._lines))
        write("proc/cpuinfo", figures.processor_information(persona))
        if persona.wifi:
            write("system/etc/wlan0", self._wifi.address + "\n")
        else:
            (self._rootfs.root / "system/etc/wlan0").unlink(missing_ok=True)
        for name in ("possible", "present", "online"):
            write(f"sys/devices/system/cpu/{name}", f"0-{persona.cores - 1}\n")
        for core in range(persona.cores):
            self._rootfs.link(f"sys/devices/system/cpu/cpu{core}/cpufreq", "../cpufreq/policy0")
        self._refresh()

    @property
    def _has_python(self) -> bool:
        return self._persona.python and not self._persona.is_foreign

    def _refresh(self) -> None:
        """Bring the files up to date that change by themselves."""
        self._live_on()
        self._life.write()

    async def _start_proxy(self) -> int:
        outward = self._persona.reaches_others
        proxy = Proxy(self._radio, lambda: self._daemon.reverse_ports, outward=outward)
        server = await proxy.listen()
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _program_environment(self, proxy_port: int | None) -> dict[str, str]:
        root = self._rootfs.shell_root
        others = ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" if self._has_python else ""
        environment = {
            "PATH": f"{root}/system/bin{others}",
            "HOME": f"{root}/{WORK_FOLDER}",
            "TMPDIR": f"{root}/{WORK_FOLDER}",
            "ANDROID_DATA": f"{root}/data",
            MARK_VARIABLE: f"{self._rootfs.root}/system",
            "LANG": "C.UTF-8",
        }
        if proxy_port is not None:
            environment["ALL_PROXY"] = f"socks5h://127.0.0.1:{proxy_port}"
        if self._wifi.own is not None:
            environment[BIND_VARIABLE] = self._wifi.own.inner
        return environment

    async def _start_program(self, command: str, wiring: Wiring) -> Program:
        if any(word in command for word in _CHANGING):
            self._refresh()
        shell = self._emulation.shell
        script = "\n".join(
            (
                self._limits.shell_prelude,
                _TAKE_TERMINAL if wiring is Wiring.TERMINAL else "",
                f'exec {shell} -c "$1"' if command else f"exec {shell}",
            )
        )
        arguments = ("/bin/sh", "-c", script, "sh", self._rootfs.rewrite(command))
        return await self._table.start(arguments, self._environment, self._rootfs.root, wiring)


async def _noted(work: Coroutine[None, None, None]) -> None:
    """Do what a phone can do without; the log has the reason where it fails."""
    try:
        await work
    except OSError as error:
        _LOGGER.warning("wireless debugging is not advertised: %s", error)
