"""Running a phone's programs that are for another processor, by qemu's user emulation.

Linux lets a user namespace have its own list of binary formats (binfmt_misc, since 6.7): inside one
the kernel hands arm64 programs to qemu by itself, without rights and without touching the machine.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.virtual.persona import Persona

_FORMATS = Path("/proc/sys/fs/binfmt_misc")
_MACHINES = {"arm64-v8a": ("aarch64", r"\xb7")}
"""ABI to qemu's name of the machine and to the machine's byte in an ELF header."""

_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00{machine}\x00"
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00" + r"\xff" * 8 + r"\xfe\xff\xff\xff"
_TRY_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Emulation:
    """How a phone's shell is started: `shell` stands before its arguments `-c COMMAND`."""

    shell: str
    line: str
    """What the phone says of it in its limits; empty where nothing is emulated."""


def find_emulation(persona: Persona) -> Emulation:
    """Return how programs of the persona's processor run on this machine, if they do."""
    if not persona.is_foreign:
        return Emulation("/bin/sh", "")
    machine, byte = _MACHINES.get(persona.abi, ("", ""))
    if not machine:
        return Emulation("/bin/sh", f"Programs: none for {persona.abi} can run on this machine")
    if (_FORMATS / f"qemu-{machine}").exists():
        return Emulation("/bin/sh", f"Programs: {persona.abi}, run by this machine's own qemu")
    return _private_emulation(persona, machine, byte)


def _private_emulation(persona: Persona, machine: str, byte: str) -> Emulation:
    qemu = _find_qemu(persona, machine)
    unshare, mount = shutil.which("unshare"), shutil.which("mount")
    if qemu is None or unshare is None or mount is None:
        missing = f"qemu-{machine}" if qemu is None else "unshare or mount"
        return Emulation("/bin/sh", _unable(persona, f"{missing} is missing"))
    magic = _MAGIC.format(machine=byte)
    entry = f":shardloom:M::{magic}:{_MASK}:{qemu}:"
    script = (
        f"{mount} -t binfmt_misc formats {_FORMATS} && "
        f"printf %s {shlex.quote(entry)} >{_FORMATS}/register || exit 126; "
        'exec /bin/sh "$@"'
    )
    shell = f"{unshare} -Urm /bin/sh -c {shlex.quote(script)} sh"
    if not _works(shell):
        return Emulation("/bin/sh", _unable(persona, "Linux 6.7 with user namespaces is needed"))
    return Emulation(shell, f"Programs: {persona.abi}, run by {Path(qemu).name} and far slower")


def _find_qemu(persona: Persona, machine: str) -> str | None:
    if persona.emulator:
        return persona.emulator if Path(persona.emulator).is_file() else None
    return shutil.which(f"qemu-{machine}-static") or shutil.which(f"qemu-{machine}")


def _works(shell: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - made of programs of this machine, above
            (*shlex.split(shell), "-c", "exit 0"),
            capture_output=True,
            timeout=_TRY_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _unable(persona: Persona, reason: str) -> str:
    return f"Programs: {persona.abi} ones cannot run on this machine, {reason}"
