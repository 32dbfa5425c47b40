"""What phones are called where people read."""

from __future__ import annotations

from app.core.identifiers import Serial
from app.rack.snapshot import RackSnapshot


def phone_name(snapshot: RackSnapshot, serial: Serial) -> str:
    """Return a phone's model name, or its serial where it has not told its name."""
    for phone in snapshot.phones:
        if phone.serial == serial and phone.description is not None:
            return phone.description.name
    return serial
