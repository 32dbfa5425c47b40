"""One virtual phone: its folder, its programs, its limits and its ADB daemon."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from pathlib import Path

from app.core.errors import BadInputError
from app.devices.virtual import figures, software
from app.devices.virtual.authentication import TrustedKeys
from app.devices.virtual.daemon import AdbDaemon
from app.devices.virtual.duty_cycle import DutyCycle
from app.devices.virtual.limits import apply_limits
from app.devices.virtual.persona import Persona
from app.devices.virtual.processes import MARK_VARIABLE, PhonePrograms
from app.devices.virtual.program_table import Program, ProgramTable, Wiring
from app.devices.virtual.proxy import Proxy
from app.devices.virtual.rootfs import WORK_FOLDER, Rootfs
from app.devices.virtual.services import Services
from app.devices.virtual.shaper import Radio
from app.devices.virtual.wireless_debugging import WirelessDebugging

_TAKE_TERMINAL = "exec </dev/stdin"
"""The first terminal that the leader of a session opens becomes the session's own."""

ROOT_FOLDER = "rootfs"


def phone_mark(folder: Path) -> str:
    """Return what marks every program of the phone in that folder (see `MARK_VARIABLE`)."""
    return str((folder / ROOT_FOLDER).resolve() / "system")


class VirtualPhone:
    """Switched on from `start` to `stop`."""

    def __init__(self, persona: Persona, folder: Path) -> None:
        self._persona = persona
        self._radio = Radio.of(persona)
        self._rootfs = Rootfs(folder / ROOT_FOLDER)
        keys = TrustedKeys(folder / "adb_keys")
        self._wireless = (
            WirelessDebugging(persona.serial, folder, keys) if persona.wireless else None
        )
        self._programs = PhonePrograms(phone_mark(folder))
        self._programs.end()
        self._limits = apply_limits(persona)
        self._table = ProgramTable()
        services = Services(self._rootfs, self._start_program, self._refresh)
        self._daemon = AdbDaemon(persona, self._radio, keys, self._wireless, services.find, _say)
        self._background: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._environment: dict[str, str] = {}
        self._started_s = time.monotonic()

    async def start(self) -> int:
        """Install the phone's files, start listening and return the port."""
        self._install()
        is_free = self._persona.reaches_others and not self._persona.has_link_limits
        proxy_port = None if is_free else await self._start_proxy()
        self._environment = self._program_environment(proxy_port)
        if self._limits.needs_duty_cycle and self._persona.cpu_share is not None:
            self._in_background(DutyCycle(self._programs, self._persona.cpu_share).run())
        port = await self._daemon.start()
        for line in self._limits.lines:
            _say(line)
        if self._wireless is not None:
            self._in_background(_noted(self._wireless.advertise(port)))
        return port

    async def stop(self) -> None:
        """Stop listening and end everything the phone started."""
        await self._daemon.stop()
        for server in self._servers:
            server.close()
        for task in tuple(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._programs.end()
        self._limits.remove()
        self._rootfs.forget_alias()

    def accept_keys(self) -> None:
        """Accept the key of every computer that waits, as a person does on the screen."""
        self._daemon.accept_keys()

    def open_pairing(self) -> str:
        """Open a pairing window; return its code and port. Raises `BadInputError`."""
        wireless = self._wireless_debugging()
        code, server = wireless.open_window()
        self._in_background(_noted(wireless.run_window(server, wireless.guid)))
        return f"{code} {server.port}"

    def scan(self, text: str) -> str:
        """Open the pairing window that a QR code asks for; return its name and port.

        Raises `BadInputError`.
        """
        wireless = self._wireless_debugging()
        name, server = wireless.scan(text)
        self._in_background(_noted(wireless.run_window(server, name)))
        return f"{name} {server.port}"

    def _wireless_debugging(self) -> WirelessDebugging:
        if self._wireless is None:
            raise BadInputError(f"{self._persona.serial} has no wireless debugging.")
        return self._wireless

    def _install(self) -> None:
        persona, write = self._persona, self._rootfs.write
        software.install(self._rootfs)
        write("system/build.prop", figures.build_properties(persona, self._limits.lines))
        write("system/etc/dumpsys-battery", figures.battery_dump(persona))
        write("system/etc/dumpsys-thermalservice", figures.thermal_dump(persona))
        write("proc/cpuinfo", figures.processor_information(persona))
        if persona.wifi:
            write("system/etc/wlan0", "up\n")
        else:
            (self._rootfs.root / "system/etc/wlan0").unlink(missing_ok=True)
        zone = "sys/class/thermal/thermal_zone0"
        write(f"{zone}/type", "battery\n")
        write(f"{zone}/temp", f"{round(persona.temperature_celsius * 1000)}\n")
        for name in ("possible", "present", "online"):
            write(f"sys/devices/system/cpu/{name}", f"0-{persona.cores - 1}\n")
        (self._rootfs.root / "data/system/battery_level").unlink(missing_ok=True)
        self._refresh()

    def _refresh(self) -> None:
        """Bring the files up to date that change by themselves."""
        used_s = sum(self._programs.cpu_seconds().values())
        up_s = time.monotonic() - self._started_s
        resident_bytes = self._programs.resident_bytes()
        self._rootfs.write(
            "proc/meminfo", figures.memory_information(self._persona, resident_bytes)
        )
        self._rootfs.write("proc/stat", figures.processor_statistics(self._persona, up_s, used_s))

    async def _start_proxy(self) -> int:
        outward = self._persona.reaches_others
        proxy = Proxy(self._radio, lambda: self._daemon.reverse_ports, outward=outward)
        server = await proxy.listen()
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _program_environment(self, proxy_port: int | None) -> dict[str, str]:
        root = self._rootfs.shell_root
        environment = {
            "PATH": f"{root}/system/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": f"{root}/{WORK_FOLDER}",
            "TMPDIR": f"{root}/{WORK_FOLDER}",
            "ANDROID_DATA": f"{root}/data",
            MARK_VARIABLE: f"{self._rootfs.root}/system",
            "LANG": "C.UTF-8",
        }
        if proxy_port is not None:
            environment["ALL_PROXY"] = f"socks5h://127.0.0.1:{proxy_port}"
        return environment

    async def _start_program(self, command: str, wiring: Wiring) -> Program:
        if "/proc/" in command:
            self._refresh()
        script = "\n".join(
            (
                self._limits.shell_prelude,
                _TAKE_TERMINAL if wiring is Wiring.TERMINAL else "",
                'exec /bin/sh -c "$1"' if command else "exec /bin/sh",
            )
        )
        arguments = ("/bin/sh", "-c", script, "sh", self._rootfs.rewrite(command))
        return await self._table.start(arguments, self._environment, self._rootfs.root, wiring)

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _say(line: str) -> None:
    """Write one line for whoever reads the phone's log."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def _noted(work: Coroutine[None, None, None]) -> None:
    """Do what a phone can do without; the log has the reason where it fails."""
    try:
        await work
    except OSError as error:
        _say(f"Wireless debugging is not advertised: {error}.")
