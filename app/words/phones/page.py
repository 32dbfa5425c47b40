"""What stands on a phone's own page."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.device import PhoneInspection
from app.core.identifiers import HOST, Serial
from app.rack.snapshot import PhoneSnapshot
from app.words.catalogue import tr
from app.words.states import phone_name


def page_title(phone: PhoneSnapshot | None, serial: Serial) -> str:
    """Return a phone's name with its serial."""
    return f"{phone_name(phone)} · {serial}" if phone else str(serial)


def place_name(place: Serial, names: Mapping[str, str]) -> str:
    """Return what one end of a link is called."""
    return tr("this computer") if place == HOST else names.get(place, str(place))


def inspection_text(inspection: PhoneInspection) -> str:
    """Return a phone's logs and files one after the other, each with its title."""
    parts = (
        (tr("Log of the worker"), inspection.worker_log),
        (tr("Files on the phone"), inspection.files),
        (tr("Android's log"), inspection.android_log),
    )
    nothing = tr("The phone tells nothing of it.")
    return "\n\n".join("\n".join((title, "", *(lines or (nothing,)))) for title, lines in parts)
