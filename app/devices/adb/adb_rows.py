"""The rows of `adb devices -l`, read by their columns: a serial number may hold blanks.

The format is that of Google's server: the serial number padded to 22 characters, a blank, the
state, and then only words with a name before a colon, the transport's number last of all.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from shlex import quote
from typing import Final

from app.core.assets import ASSETS
from app.core.facts import Fact
from app.core.identifiers import Serial

DEVICE: Final = "device"
UNAUTHORIZED: Final = "unauthorized"
NO_PERMISSIONS: Final = "no permissions"
UDEV_RULE: Final = ASSETS / "udev" / "70-android-adb.rules"
_SERIAL_COLUMNS: Final = 22
_NO_SERIAL: Final = "(no serial number)"
_STATES: Final = (
    *("device", "offline", "unauthorized", "authorizing", "connecting", "bootloader", "recovery"),
    *("sideload", "rescue", "host", "detached", "unknown"),
)
_REST: Final = (
    r"(?: (?P<port>(?!product:|model:|device:|transport_id:)[^\s:]+:\S+))?"
    r"(?: product:.*?)?(?: model:.*?)?(?: device:.*?)?"
    r"(?: transport_id:(?P<transport_id>\d+))?\s*"
)
_AFTER_SERIAL: Final = (
    re.compile(rf"(?P<state>{NO_PERMISSIONS})(?P<remark>.*?){_REST}"),
    re.compile(rf"(?P<state>{'|'.join(_STATES)})(?P<remark>){_REST}"),
    re.compile(rf"(?=.* transport_id:\d)(?P<state>[^\s:]+)(?P<remark>){_REST}"),
)
"""The last one is for states that came after this was written."""
_CODES: Final = {
    "offline": "phone.listed_offline",
    "authorizing": "phone.listed_authorizing",
    "connecting": "phone.listed_connecting",
    NO_PERMISSIONS: "phone.listed_forbidden",
    "recovery": "phone.listed_in_recovery",
    "sideload": "phone.listed_in_recovery",
    "bootloader": "phone.listed_in_bootloader",
    "host": "phone.listed_host",
}


@dataclass(frozen=True)
class ListedPhone:
    """A phone as an adb server lists it."""

    serial: str
    """As listed, which for a phone on the network is its address; empty where unreadable."""
    state: str
    remark: str = ""
    """What the server says besides the state, such as whom udev lets in."""
    port: str = ""
    """The socket of its cable, such as `usb:1-4.2`; empty without one."""
    transport_id: str = ""
    """The server's own number for the connection; empty where it is too old to tell."""
    is_alone: bool = True
    """Whether its serial number tells it from the others listed."""

    @property
    def by_cable(self) -> bool:
        """Whether it is on a cable."""
        return self.port.startswith("usb:")

    @property
    def needed_id(self) -> str:
        """The connection's number where the serial number will not do, else empty."""
        return "" if self.is_alone else self.transport_id

    def obstacle(self, server: str) -> Fact:
        """Return what keeps it from being used by that server; its state is not `device`."""
        code = _CODES.get(self.state, "phone.listed_otherwise")
        words = f"{self.state} {self.remark}".strip()
        return Fact(code, server=server, words=words, rule=udev_rule())


def udev_rule() -> str:
    """Return the file that lets this computer use the cable, quoted for a shell."""
    return quote(str(UDEV_RULE))


def read_rows(text: str) -> list[ListedPhone]:
    """Return the phones of a whole list; lines that are no rows are left out."""
    rows = [row for line in text.splitlines() if (row := read_row(line)) is not None]
    serials = [row.serial for row in rows]
    return [
        replace(row, is_alone=bool(row.serial) and serials.count(row.serial) == 1) for row in rows
    ]


def read_row(line: str) -> ListedPhone | None:
    """Return the phone of one row, None where it is none."""
    padded = line[_SERIAL_COLUMNS : _SERIAL_COLUMNS + 1] == " "
    starts = [_SERIAL_COLUMNS + 1] if padded else []
    starts += [match.end() for match in re.finditer(r"\s", line)]
    for pattern, start in itertools.product(_AFTER_SERIAL, starts):
        found = pattern.fullmatch(line, start)
        serial = line[:start].strip()
        if found and serial:
            return ListedPhone(
                "" if serial == _NO_SERIAL else serial,
                found["state"],
                found["remark"].strip(),
                found["port"] or "",
                found["transport_id"] or "",
            )
    return None


def names_of(
    rows: Iterable[ListedPhone], earlier: Mapping[str, Serial] | None = None
) -> dict[Serial, ListedPhone]:
    """Return each phone under a name of its own: two may have one serial number, or none.

    `earlier` has the names given before, by the number of the connection: they are kept.
    """
    named: dict[Serial, ListedPhone] = {}
    for row in rows:
        kept = (earlier or {}).get(row.transport_id)
        name = kept or (Serial(row.serial) if row.is_alone else _name_by_place(row))
        named[_name_by_place(row) if name in named else name] = row
    return named


def _name_by_place(row: ListedPhone) -> Serial:
    place = row.port or f"transport {row.transport_id}"
    return Serial(f"{row.serial or 'no serial number'}@{place}")
