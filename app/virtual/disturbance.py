"""What befalls a phone while it runs, in the words of the pipe to its process."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from app.core.errors import BadInputError

if TYPE_CHECKING:  # whoever only sends the words needs nothing of a phone
    from app.virtual.phone import VirtualPhone

HEAT = "heat"
"""Followed by degrees Celsius."""


class Disturbance(StrEnum):
    """What needs no figure."""

    ADBD_RESTART = "adbd-restart"
    UNPLUG = "unplug"
    PLUG = "plug"
    TAKE = "take"
    """By another computer, which then has the phone alone."""
    GIVE_BACK = "give-back"


def disturb(phone: VirtualPhone, name: str, rest: str) -> None:
    """Do what the pipe says. Raises `BadInputError` where that is nothing known."""
    if name == HEAT:
        phone.heat(_celsius(rest))
        return
    actions: dict[str, Callable[[], None]] = {
        Disturbance.ADBD_RESTART: phone.restart_adbd,
        Disturbance.UNPLUG: partial(phone.plug, is_plugged=False),
        Disturbance.PLUG: partial(phone.plug, is_plugged=True),
        Disturbance.TAKE: partial(phone.be_busy, is_busy=True),
        Disturbance.GIVE_BACK: partial(phone.be_busy, is_busy=False),
    }
    if name not in actions:
        raise BadInputError("virtual_phone.odd_command", command=name)
    actions[name]()


def _celsius(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInputError("virtual_phone.odd_temperature", value=text) from None
