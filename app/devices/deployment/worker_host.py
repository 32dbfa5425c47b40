"""Which control centre a phone works for: a file on the phone names it, and others ask first."""

from __future__ import annotations

import getpass
import json
import re
import socket
import time
from dataclasses import asdict, dataclass
from shlex import quote
from typing import Final

from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.devices.deployment.phone_files import PhoneFiles
from app.devices.deployment.phone_scripts import ENTER, NO_FOLDER_EXIT_CODE, OUR_WORKER
from app.devices.errors import PhoneBusyError

HOST_FILE: Final = "host.json"
BEGINS_WITHIN_S: Final = 30
"""So long after it took a phone a host has it, whether its worker runs yet or not."""
_MAXIMUM_BYTES: Final = 1000
_MAXIMUM_NAME: Final = 80
_KEY: Final = re.compile(r"[0-9a-f]{64}")


class PhoneHeldError(PhoneBusyError):
    """The phone works for another control centre, which it is not taken from unasked."""


@dataclass(frozen=True)
class WorkerHost:
    """A control centre that phones work for."""

    key: str
    """Its ledger's public key, in hexadecimal."""
    name: str
    """What people call it: `user@computer`."""
    since_s: int
    """Since when, in its own wall clock's seconds."""

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> WorkerHost | None:
        """Read what a phone gave as the file's text; None for anything else."""
        try:
            told = json.loads(text)
            key, name, since_s = told["key"], told["name"], told["since_s"]
            if type(since_s) is not int:  # also of None, and of a bool, there is a local time
                return None
            time.localtime(since_s)
        except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
            return None
        if not (isinstance(key, str) and _KEY.fullmatch(key) and isinstance(name, str)):
            return None
        shown = "".join(letter for letter in name if letter.isprintable())
        return WorkerHost(key, shown[:_MAXIMUM_NAME], since_s)


def this_host(public_key: bytes, since_s: int) -> WorkerHost:
    """Return this computer's control centre, known by its ledger's public key."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # of a user without an entry
        user = "?"
    return WorkerHost(public_key.hex(), f"{user}@{socket.gethostname()}"[:_MAXIMUM_NAME], since_s)


class PhoneHold:
    """Asks a phone whose it is, and takes it. Used by one thread at a time.

    Every method raises `PhoneRefusedError` or `PhoneLostError` where the phone does not answer.
    """

    def __init__(self, link: PhoneLink, serial: Serial, host: WorkerHost) -> None:
        self._files = PhoneFiles(link, serial)
        self._serial = serial
        self._host = host

    def other(self) -> WorkerHost | None:
        """Return the other control centre whose worker runs there or was just to be started."""
        told = WorkerHost.from_json(self._files.run(_read_host(), NO_FOLDER_EXIT_CODE))
        return None if told is None or told.key == self._host.key else told

    def refuse_other(self) -> None:
        """Raise `PhoneHeldError` where the phone works for another."""
        other = self.other()
        if other is not None:
            raise PhoneHeldError(self._held_by(other))

    def take(self) -> None:
        """Note on the phone that it works for this host from now on."""
        self._files.run(_write_host(self._host))

    def give_back(self) -> None:
        """Let others have the phone at once, where it was this host's."""
        self._files.run(_remove_host(self._host), NO_FOLDER_EXIT_CODE)

    def _held_by(self, other: WorkerHost) -> Fact:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(other.since_s))
        return Fact("phone.held", phone=self._serial, host=other.name, since=since)


def _read_host() -> str:
    """Print the file where a worker of ours runs, or the file is new."""
    return (
        f"{ENTER}{OUR_WORKER}[ -f {HOST_FILE} ] || exit 0; "
        f"age=$(( $(date +%s) - $(stat -c %Y {HOST_FILE}) )); "
        f"if our_worker || {{ [ $age -ge 0 ] && [ $age -lt {BEGINS_WITHIN_S} ]; }}; "
        f"then head -c {_MAXIMUM_BYTES} {HOST_FILE}; fi; true"
    )


def _write_host(host: WorkerHost) -> str:
    new = f"{HOST_FILE}.new"
    return f"{ENTER}umask 077; echo {quote(host.to_json())} >{new} && mv -f {new} {HOST_FILE}"


def _remove_host(host: WorkerHost) -> str:
    return f"{ENTER}if grep -q {host.key} {HOST_FILE} 2>/dev/null; then rm -f {HOST_FILE}; fi"
