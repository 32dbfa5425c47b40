"""What the palette offers for what there is now: phones, their faults, models, objectives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.faults.catalogue import Fault
from app.faults.specifications import PHONE_KINDS
from app.placement.problem import Objective
from app.rack.commands import ClearFault, Identify, Inject, RestartWorker, UseModel
from app.rack.commands.command import Command
from app.rack.snapshot import PhoneSnapshot
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.faults import fault_word
from app.words.pages.palette import inject_on, of_phone, plan_for, use_model
from app.words.states import objective_word, phone_name


@dataclass(frozen=True)
class PaletteEntry:
    """One thing to do: its words, its keys if it has some, and doing it."""

    words: str
    run: Callable[[], object]
    keys: str = ""


def rack_entries(link: RackLink, editor: AssignmentEditor) -> Iterator[PaletteEntry]:
    """Return what can be done with the rack as it is now."""
    snapshot = link.snapshot
    for model in link.models():
        if snapshot is None or snapshot.model_name != model.name:
            yield _entry(link, use_model(model.name), UseModel(model.name))
    for objective in Objective:
        yield PaletteEntry(plan_for(objective_word(objective)), partial(editor.replan, objective))
    for phone in snapshot.phones if snapshot else ():
        yield from _phone_entries(link, phone)


def _phone_entries(link: RackLink, phone: PhoneSnapshot) -> Iterator[PaletteEntry]:
    name, serial = phone_name(phone), phone.serial
    yield _entry(link, of_phone(name, tr("Identify")), Identify(serial))
    yield _entry(link, of_phone(name, tr("Restart worker")), RestartWorker(serial))
    if phone.fault is not None:
        yield _entry(link, of_phone(name, tr("Clear fault")), ClearFault(serial))
    for kind in PHONE_KINDS:
        yield _entry(link, inject_on(name, fault_word(kind)), Inject(Fault(kind, serial)))


def _entry(link: RackLink, words: str, command: Command[Any]) -> PaletteEntry:
    return PaletteEntry(words, lambda: link.submit(command))
