# ruff: noqa: INP001 - a script, not a package
"""Count the modules of ours on two walks of a rack of one virtual phone: `walks.py [--check]`.

A module is on a walk where one of its functions was called with the thing in hand. From found to
ready that is the phone, as it was found or as the rack keeps it; beside it stands what else ran in
the task that prepares it, such as clock and wire, but not the threads that wait for phones. From
worker to journal it is the receipt, as bytes, as a message or as an entry; beside it stand the wire
and JSON, which read and write whatever they are given. Own process only.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

from metrics import ROOT, Figure

from app.core.device import DeviceState
from app.core.tasks import Complete
from app.devices.discovery.found_phone import FoundPhone
from app.pipeline.collection import SealedReceipt
from app.rack.commands import Ask
from app.rack.options import DEMO_PROMPT, RackOptions
from app.rack.phones import phone_registry
from app.rack.phones.phone import Phone
from app.rack.service import RackService, open_rack
from app.rack.snapshot import Phase
from workers.identity.receipts import ReceiptBody

LIMIT: Final = 8
TIMEOUT_S: Final = 120.0
TOKENS: Final = 8
_PACKAGES: Final = ("app", "workers")
_ITSELF: Final = re.compile(r'(\\?)"input_root\1":\1"')
"""A receipt is canonical JSON, in an entry's body once more; no other text of ours has this."""
_FORMATS: Final = frozenset(
    {
        "workers.protocol.codec",
        "workers.protocol.bounds",
        "workers.identity.canonical",
        "app.core.reading.json_fields",
    }
)
"""Know of no receipt: they are handed frames, maps and texts, and hand them back."""
_DEPTH: Final = 3
_BEGINNING: Final = phone_registry
_TASK: Final = phone_registry.PhoneRegistry._prepare_and_announce  # noqa: SLF001 - by its name
_INSIDE: ContextVar[bool] = ContextVar("inside", default=False)
"""Set in the task that prepares the phone, and in those that it starts."""


@dataclasses.dataclass
class Walk:
    """What was passed, in the order in which it was come to."""

    in_hand: dict[str, None] = dataclasses.field(default_factory=dict)
    beside: dict[str, None] = dataclasses.field(default_factory=dict)
    over: bool = False


class PhoneWalk(Walk):
    """From the registry's first look at what was found until the phone is ready."""

    def see(self, module: str, frame: FrameType) -> None:
        """Take in a call of ours."""
        phones = [each for each in _arguments(frame) if isinstance(each, Phone | FoundPhone)]
        self.over |= any(isinstance(each, Phone) and _is_ready(each) for each in phones)
        begins = module == _BEGINNING.__name__
        if begins and frame.f_code.co_name == _TASK.__name__:
            _INSIDE.set(True)
        if not self.over and (begins or _INSIDE.get()):
            walked = self.in_hand if phones else self.beside
            walked[module] = None


class ReceiptWalk(Walk):
    """From the first function that is given the receipt until the ledger has recorded it."""

    def see(self, module: str, frame: FrameType) -> None:
        """Take in a call of ours."""
        if not self.over and any(holds_receipt(each) for each in _arguments(frame)):
            walked = self.beside if module in _FORMATS else self.in_hand
            walked[module] = None


def _is_ready(phone: Phone) -> bool:
    return phone.state is DeviceState.READY


def holds_receipt(value: object, depth: int = _DEPTH) -> bool:
    """Tell whether a value is a receipt, or has one in it."""
    match value:
        case bytes():
            return holds_receipt(value.decode(errors="replace"))
        case str():
            return _ITSELF.search(value) is not None
        case SealedReceipt() | ReceiptBody():
            return True
    if depth == 0:
        return False
    if isinstance(value, list | tuple):
        return any(holds_receipt(each, depth - 1) for each in value)
    if isinstance(value, dict):
        return any(holds_receipt(each, depth - 1) for each in tuple(value.values()))
    if _is_frozen(type(value)):
        fields = dataclasses.fields(value)  # type: ignore[arg-type] # it is one
        return any(holds_receipt(getattr(value, each.name, None), depth - 1) for each in fields)
    return False


def _is_frozen(kind: type) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)


def _arguments(frame: FrameType) -> Iterator[object]:
    code, values = frame.f_code, frame.f_locals
    for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        yield values.get(name)


@cache
def _module_of(code: CodeType) -> str | None:
    path = Path(code.co_filename)
    if not path.is_relative_to(ROOT):
        return None
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts) if parts[0] in _PACKAGES else None


@contextmanager
def walked(*walks: PhoneWalk | ReceiptWalk) -> Iterator[None]:
    """Let the walks see every call on threads that start within the block."""
    failures: list[Exception] = []

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        module = _module_of(frame.f_code) if event in {"call", "return"} else None
        if module is None:
            return
        try:
            for walk in walks:
                if event == "call":
                    walk.see(module, frame)
                elif frame.f_code.co_name == "record_receipt":
                    walk.over |= isinstance(walk, ReceiptWalk)
        except Exception as error:  # noqa: BLE001 - it would vanish in the traced code
            failures.append(error)

    threading.setprofile(profile)
    try:
        yield
    finally:
        threading.setprofile(None)
    if failures:
        raise failures[0]


def wait(fits: Callable[[], bool]) -> None:
    """Wait until something is so. Raises `TimeoutError`."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while not fits():
        if time.monotonic() > deadline_s:
            raise TimeoutError
        time.sleep(0.05)


def play(rack: RackService) -> None:
    """Wait for the phone, let it answer once, and wait until that is settled."""
    wait(lambda: rack.snapshot().phase in {Phase.READY, Phase.DEGRADED})
    ask = Ask(Complete(DEMO_PROMPT), tokens=TOKENS)
    rack.do(ask).result(TIMEOUT_S)

    wait(lambda: any(each.state.ended for each in rack.snapshot().requests))


def figures() -> Iterator[tuple[Walk, Figure]]:
    """Yield each walk and how many modules are on it."""
    phone, receipt = PhoneWalk(), ReceiptWalk()
    with tempfile.TemporaryDirectory() as home, walked(phone, receipt):
        rack = open_rack(RackOptions(home=Path(home), rack="virtual:1"))
        try:
            play(rack)
        finally:
            rack.close().result(TIMEOUT_S)
    yield phone, _figure("modules of a phone, found to ready", phone)
    yield receipt, _figure("modules of a receipt, worker to journal", receipt)


def _figure(name: str, walk: Walk) -> Figure:
    return Figure(name, len(walk.in_hand), LIMIT, 1, ", ".join(walk.in_hand))


def main() -> int:
    """Print the figures; with `--check`, return 1 where a walk is longer than its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="end with status 1 beyond a limit")
    arguments = parser.parse_args()
    told = tuple(figures())
    for walk, figure in told:
        print(figure)  # noqa: T201 - a command-line tool
        if beside := sorted(walk.beside.keys() - walk.in_hand.keys()):
            print(f"  and {len(beside)} beside: {', '.join(beside)}")  # noqa: T201
    return 1 if arguments.check and not all(figure.holds for _, figure in told) else 0


if __name__ == "__main__":
    sys.exit(main())
