"""What the window remembers between runs, in one ini file."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PySide6.QtCore import QByteArray, QSettings

from app.core.identifiers import Serial
from app.placement.conditions import MOST_CELSIUS, UNCONDITIONAL, Conditions
from app.placement.problem import Pin
from app.rack.pairing import Place, PlaceKind
from app.words.catalogue import LANGUAGES
from workers.protocol.chain import MAXIMUM_BLOCKS, ChainName, Span

STATE_VERSION = 1
DEFAULT_PORT = 8080
HIGHEST_PORT = 65535


class Settings:
    """Typed access to the settings file; an unreadable or odd value falls back to the default."""

    def __init__(self, path: Path, rack: str = "") -> None:
        """Read a file; `rack` is the name by which what belongs to a rack is kept."""
        self._pins_key = f"pins/rack-{quote(rack, safe='')}"
        self._conditions_key = f"conditions/rack-{quote(rack, safe='')}"
        self._places_key = f"places/rack-{quote(rack, safe='')}"
        self._asked_language = ""
        self._folder = path.parent
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def folder(self) -> Path:
        """Where the settings lie, and what else the window keeps."""
        return self._folder

    @property
    def theme(self) -> str:
        """`system`, or whatever name of a theme was kept."""
        return str(self._store.value("appearance/theme", "system"))

    @theme.setter
    def theme(self, value: str) -> None:
        self._store.setValue("appearance/theme", value)

    @property
    def language(self) -> str:
        """`system` or the code of a language that there is."""
        value = self._asked_language or str(self._store.value("appearance/language", "system"))
        return value if value in LANGUAGES else "system"

    @language.setter
    def language(self, value: str) -> None:
        self._asked_language = ""
        self._store.setValue("appearance/language", value)

    def ask_language(self, language: str) -> None:
        """Take a language for this run alone, until another is chosen."""
        self._asked_language = language

    @property
    def reduce_motion(self) -> bool:
        """Whether nothing should move by itself."""
        return self._flag("appearance/reduce_motion", default=False)

    @reduce_motion.setter
    def reduce_motion(self, value: bool) -> None:
        self._store.setValue("appearance/reduce_motion", value)

    @property
    def start_demo(self) -> bool:
        """Whether the demo prompt starts by itself once the rack is ready."""
        return self._flag("playground/start_demo", default=True)

    @start_demo.setter
    def start_demo(self, value: bool) -> None:
        self._store.setValue("playground/start_demo", value)

    @property
    def keep_talks(self) -> bool:
        """Whether texts and conversations are there again after a restart."""
        return self._flag("playground/keep_talks", default=True)

    @keep_talks.setter
    def keep_talks(self, value: bool) -> None:
        self._store.setValue("playground/keep_talks", value)

    @property
    def serve_port(self) -> int:
        """The port that the rack was served at last."""
        value = str(self._store.value("serve/port", DEFAULT_PORT))
        return int(value) if value.isdecimal() and int(value) <= HIGHEST_PORT else DEFAULT_PORT

    @serve_port.setter
    def serve_port(self, value: int) -> None:
        self._store.setValue("serve/port", value)

    @property
    def layout(self) -> str:
        """The layout chosen last."""
        return str(self._store.value("window/layout", "operator"))

    @layout.setter
    def layout(self, value: str) -> None:
        self._store.setValue("window/layout", value)

    @property
    def places(self) -> tuple[Place, ...]:
        """What a person added to the rack."""
        lines = str(self._store.value(self._places_key, "")).splitlines()
        return tuple(place for line in lines if (place := _place(line)) is not None)

    @places.setter
    def places(self, value: tuple[Place, ...]) -> None:
        lines = (f"{place.kind} {place.address}".rstrip() for place in value)
        self._store.setValue(self._places_key, "\n".join(lines))
        self._store.sync()

    @property
    def conditions(self) -> Conditions:
        """What was asked of every plan for the rack."""
        return _conditions(str(self._store.value(self._conditions_key, "")))

    @conditions.setter
    def conditions(self, value: Conditions) -> None:
        told = {
            "excluded": sorted(value.excluded),
            "trusted": sorted(value.trusted),
            "private": value.private,
            "least_reputation": value.least_reputation,
            "least_battery_percent": value.least_battery_percent,
            "most_celsius": value.most_celsius,
            "most_token_s": value.most_token_s,
            "least_tokens_per_second": value.least_tokens_per_second,
        }
        self._store.setValue(self._conditions_key, json.dumps(told))
        self._store.sync()

    def chosen(self, what: str, among: Collection[str], default: str) -> str:
        """Return what a person chose last among some; the default where it is none of them."""
        value = str(self._store.value(f"chosen/{what}", default))
        return value if value in among else default

    def choose(self, what: str, value: str) -> None:
        """Remember what a person chose."""
        self._store.setValue(f"chosen/{what}", value)

    def kept(self, what: str) -> dict[str, Any]:
        """Return what was kept under a name; empty where it is nothing of use."""
        return _record(str(self._store.value(f"kept/{what}", "")))

    def keep(self, what: str, value: Mapping[str, Any]) -> None:
        """Keep something that JSON can hold."""
        self._store.setValue(f"kept/{what}", json.dumps(value))
        self._store.sync()

    def pins(self, model: str) -> tuple[Pin, ...]:
        """Return the layers of a model that a person fixed to phones of the rack."""
        lines = str(self._store.value(self._pins_of(model), "")).splitlines()
        return tuple(pin for line in lines if (pin := _pin(line)) is not None)

    def save_pins(self, model: str, pins: tuple[Pin, ...]) -> None:
        """Remember the layers of a model that are fixed to phones."""
        lines = (
            f"{each.span.chain} {each.span.first} {each.span.end} {each.serial}" for each in pins
        )
        self._store.setValue(self._pins_of(model), "\n".join(lines))
        self._store.sync()

    def _pins_of(self, model: str) -> str:
        return f"{self._pins_key}/{quote(model, safe='')}"

    def save_window(self, geometry: QByteArray, state: QByteArray) -> None:
        """Remember where the window and its panels are."""
        self._store.setValue("window/geometry", geometry)
        self._store.setValue("window/state", state)
        self._store.sync()

    def window(self) -> tuple[QByteArray, QByteArray] | None:
        """Return what `save_window` stored, or None where there is nothing of use."""
        geometry = self._store.value("window/geometry")
        state = self._store.value("window/state")
        if isinstance(geometry, QByteArray) and isinstance(state, QByteArray):
            return geometry, state
        return None

    def _flag(self, key: str, *, default: bool) -> bool:
        return str(self._store.value(key, default)).lower() == "true"


def _record(text: str) -> dict[str, Any]:
    try:
        held = json.loads(text)
    except ValueError:
        return {}
    return held if isinstance(held, dict) else {}


def _conditions(text: str) -> Conditions:
    """Return conditions as they were kept; none where a line says nothing that could be asked."""
    held = _record(text)
    excluded, trusted = _names(held.get("excluded")), _names(held.get("trusted"))
    if not held or excluded is None or trusted is None:
        return UNCONDITIONAL
    return Conditions(
        excluded,
        trusted,
        held.get("private") is True,
        _number(held.get("least_reputation"), 0, 1) or 0.0,
        int(_number(held.get("least_battery_percent"), 0, 100) or 0),
        _number(held.get("most_celsius"), *MOST_CELSIUS),
        _number(held.get("most_token_s"), 0, sys.float_info.max) or None,
        _number(held.get("least_tokens_per_second"), 0, sys.float_info.max) or 0.0,
    )


def _number(value: object, least: float, most: float) -> float | None:
    """Return a number that lies between two; None for anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if least <= value <= most else None


def _names(value: object) -> frozenset[str] | None:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return None
    return frozenset(value)


def _place(line: str) -> Place | None:
    kind, _, address = line.partition(" ")
    if kind == PlaceKind.CABLES:
        return Place(PlaceKind.CABLES)
    known = kind in (PlaceKind.ADDRESS, PlaceKind.SERVER) and bool(address)
    return Place(PlaceKind(kind), address) if known else None


def _pin(line: str) -> Pin | None:
    chain, first, end, serial = (*line.split(" ", 3), "", "", "", "")[:4]
    if not (chain in frozenset(ChainName) and first.isdecimal() and end.isdecimal() and serial):
        return None
    if not 0 <= int(first) < int(end) <= MAXIMUM_BLOCKS:
        return None
    return Pin(Serial(serial), Span(ChainName(chain), int(first), int(end)))
