"""A filter over phones, as somebody types it: `state:ready heat>40 -model:pixel lost`.

Terms apply together; a `-` before one turns it round. A word by itself is looked for in name,
serial, model and state. Values of words are found within, without regard to case; figures take
`<`, `<=`, `>`, `>=` and `=`. What a phone does not tell meets no term about it, nor its reverse.
"""

from __future__ import annotations

import operator
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.ledger.rules.economy import CREDIT
from app.rack.snapshot import PhoneSnapshot
from app.words.catalogue import ntr, tr
from app.words.states import listed, phone_name, state_word

_TERM: Final = re.compile(r"(?P<name>[a-z]+)(?P<sign><=|>=|[:<>=])(?P<value>.*)", re.DOTALL)
_SIGNS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    ":": operator.eq,
}
_MEGABYTE: Final = 1e6
EXAMPLES: Final = (
    "state:ready",
    "heat>40",
    "battery<30",
    "memory>500",
    "load>80",
    "reputation<0.5",
    "model:pixel",
    "tag:shelf",
    "fault:slow",
)

_TAG: Final = "tag"

Test = Callable[[PhoneSnapshot], bool | None]
"""Whether a phone meets a term; None where it does not tell what the term is about."""


def no_tags(_serial: Serial) -> Sequence[str]:
    """Call a phone nothing."""
    return ()


@dataclass(frozen=True)
class PhoneFilter:
    """What was typed, understood; `problem` says what was not, in the language in force."""

    tests: tuple[tuple[bool, Test], ...] = ()
    """Each with whether it is turned round."""
    problem: str = ""

    def __call__(self, phone: PhoneSnapshot) -> bool:
        """Tell whether a phone meets every term."""
        return all(_meets(phone, turned, test) for turned, test in self.tests)


def parse_filter(text: str, tags: Callable[[Serial], Sequence[str]] = no_tags) -> PhoneFilter:
    """Return the filter in a text; terms that are not understood leave it as it is without them.

    `tags` tells what a person calls a phone.
    """
    tests: list[tuple[bool, Test]] = []
    problem = ""
    for word in _words(text):
        turned = word.startswith("-") and len(word) > 1
        test = _test(word[1:] if turned else word, tags)
        if isinstance(test, str):
            problem = test
        else:
            tests.append((turned, test))
    return PhoneFilter(tuple(tests), problem)


def _meets(phone: PhoneSnapshot, turned: bool, test: Test) -> bool:  # noqa: FBT001
    met = test(phone)
    return met is not None and met is not turned


def _words(text: str) -> list[str]:
    """Return the terms; a quotation that does not end is taken as it stands."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _test(word: str, tags: Callable[[Serial], Sequence[str]]) -> Test | str:
    """Return a term's test, or what is wrong with it."""
    match = _TERM.fullmatch(word)
    if match is None:
        return _anywhere(word.lower())
    name, sign, value = match["name"], match["sign"], match["value"]
    if name == _TAG and sign in (":", "="):
        return _word_test(lambda phone: tags(phone.serial), value.lower())
    if name in _WORDS and sign in (":", "="):
        return _word_test(_WORDS[name], value.lower())
    if name in _FIGURES:
        return _figure_test(_FIGURES[name], sign, value)
    known = listed(sorted({*_WORDS, *_FIGURES, _TAG}))
    return tr("{name} is not known; there are {known}.").format(name=f"{name}{sign}", known=known)


def _word_test(told: Callable[[PhoneSnapshot], Sequence[str]], value: str) -> Test:
    def test(phone: PhoneSnapshot) -> bool | None:
        texts = told(phone)
        return any(value in text.lower() for text in texts) if texts else None

    return test


def _figure_test(
    told: Callable[[PhoneSnapshot], float | None], sign: str, value: str
) -> Test | str:
    try:
        limit = float(value)
    except ValueError:
        return tr("{value} is not a number.").format(value=value or '""')
    compare = _SIGNS[sign]

    def test(phone: PhoneSnapshot) -> bool | None:
        figure = told(phone)
        return None if figure is None else compare(figure, limit)

    return test


def _anywhere(value: str) -> Test:
    def test(phone: PhoneSnapshot) -> bool:
        texts = (phone_name(phone), *_serial(phone), *_model(phone), *_state(phone))
        return any(value in text.lower() for text in texts)

    return test


def _serial(phone: PhoneSnapshot) -> Sequence[str]:
    return (str(phone.serial),)


def _model(phone: PhoneSnapshot) -> Sequence[str]:
    told = phone.description
    return (told.name, told.manufacturer) if told else ()


def _state(phone: PhoneSnapshot) -> Sequence[str]:
    """Return a state's code and its word, so that either finds it in every language."""
    return (phone.state.value, state_word(phone.state))


def _fault(phone: PhoneSnapshot) -> Sequence[str]:
    return (phone.fault or "none",)


def _battery(phone: PhoneSnapshot) -> float | None:
    return phone.vitals.battery_percent if phone.vitals else None


def _heat(phone: PhoneSnapshot) -> float | None:
    return phone.vitals.temperature_celsius if phone.vitals else None


def _memory(phone: PhoneSnapshot) -> float | None:
    return phone.vitals.memory_available_bytes / _MEGABYTE if phone.vitals else None


def _load(phone: PhoneSnapshot) -> float | None:
    load = phone.vitals.processor_load if phone.vitals else None
    return None if load is None else load * 100


def _reputation(phone: PhoneSnapshot) -> float | None:
    return phone.standing.reputation if phone.standing else None


def _stake(phone: PhoneSnapshot) -> float | None:
    return phone.standing.stake / CREDIT if phone.standing else None


def _stage(phone: PhoneSnapshot) -> float | None:
    return phone.telemetry.stage_ms if phone.telemetry else None


_WORDS: Final[Mapping[str, Callable[[PhoneSnapshot], Sequence[str]]]] = {
    "state": _state,
    "model": _model,
    "serial": _serial,
    "fault": _fault,
}
_FIGURES: Final[Mapping[str, Callable[[PhoneSnapshot], float | None]]] = {
    "battery": _battery,
    "heat": _heat,
    "memory": _memory,
    "load": _load,
    "reputation": _reputation,
    "stake": _stake,
    "stage": _stage,
}
"""Battery and load in per cent, heat in degrees Celsius, memory in free megabytes, stake in
credits, its last step in milliseconds."""


def filter_hint() -> str:
    """Return what may be typed."""
    return tr("Words, or terms such as {terms}; a - before one turns it round.").format(
        terms=listed(EXAMPLES)
    )


def counts_text(phones: Sequence[PhoneSnapshot], shown: int, expected: int = 0) -> str:
    """Return how many phones there are, can work, and wait for a person; and how many are shown.

    Where more are `expected` it says how many of them were found.
    """
    ready = sum(phone.usable for phone in phones)
    waiting = sum(phone.state is DeviceState.UNAUTHORIZED for phone in phones)
    found = sum(phone.description is not None or phone.usable for phone in phones)
    parts = []
    if found < expected:
        parts.append(tr("{found} of {count} found").format(found=found, count=expected))
        parts.append(tr("{count} ready").format(count=ready))
    else:
        parts.append(tr("{ready} of {count} ready").format(ready=ready, count=len(phones)))
    if waiting:
        parts.append(tr("{count} to be allowed on its screen").format(count=waiting))
    if shown != len(phones):
        parts.append(tr("{count} shown").format(count=shown))
    return " · ".join(parts)


def selected_text(count: int) -> str:
    """Return how many phones are selected."""
    return ntr("{count} phone selected", "{count} phones selected", count).format(count=count)


def figure_of(name: str, phone: PhoneSnapshot) -> float | None:
    """Return a figure of a phone by the name that a filter has for it; None where it tells none."""
    return _FIGURES[name](phone)
