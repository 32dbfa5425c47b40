"""What somebody types above the phones, and which of them are left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.device import DeviceDescription, DeviceState
from app.core.identifiers import Serial
from app.core.vitals import DeviceVitals
from app.ledger.views.snapshot import PhoneStanding
from app.rack.snapshot import PhoneSnapshot
from app.words.catalogue import use_language
from app.words.phones.filter import counts_text, parse_filter


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    use_language("en")
    yield
    use_language("en")


def a_phone(number: int, state: DeviceState, heat: float | None, battery: int) -> PhoneSnapshot:
    serial = Serial(f"PX{number}")
    name = ("Pixel 7", "Galaxy S23", "Redmi Note 12")[number % 3]
    return PhoneSnapshot(
        serial=serial,
        position=number + 1,
        state=state,
        state_reason=None,
        description=DeviceDescription(serial, name, "Maker", "arm64-v8a", "14", 8, "usb", False),
        vitals=DeviceVitals(battery, heat, 8_000_000_000, 2_000_000_000, processor_load=0.5),
        profile=None,
        telemetry=None,
        standing=PhoneStanding(1, 1, 0, 0, 0.25 * number, 0, 0, None),
        transfer=None,
        fault="slow@1" if number == 1 else None,
    )


PHONES = (
    a_phone(0, DeviceState.READY, 31.0, 90),
    a_phone(1, DeviceState.WORKING, 44.5, 20),
    a_phone(2, DeviceState.LOST, None, 55),
    replace(a_phone(3, DeviceState.UNAUTHORIZED, 20.0, 70), description=None, vitals=None),
)


def found(text: str) -> list[int]:
    wanted = parse_filter(text)
    assert not wanted.problem
    return [phone.position - 1 for phone in PHONES if wanted(phone)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", [0, 1, 2, 3]),
        ("state:ready", [0]),
        ("-state:ready", [1, 2, 3]),
        ("heat>40", [1]),
        ("heat<=31", [0]),
        ("-heat>40", [0]),
        ("battery<60", [1, 2]),
        ("memory>1999", [0, 1, 2]),
        ("load=50", [0, 1, 2]),
        ("model:pixel", [0]),
        ('model:"note 12"', [2]),
        ("serial:px3", [3]),
        ("fault:slow", [1]),
        ("fault:none", [0, 2, 3]),
        ("reputation>=0.5", [2, 3]),
        ("galaxy", [1]),
        ("lost", [2]),
        ("GALAXY heat>40", [1]),
        ("galaxy heat<40", []),
        ("-", []),
    ],
)
def test_terms_leave_the_phones_that_meet_all_of_them(text: str, left: list[int]) -> None:
    assert found(text) == left


def test_a_state_is_found_by_its_code_and_by_its_word_in_the_language_in_force() -> None:
    use_language("ja")
    assert found("state:lost") == [2]
    assert found("state:接続断") == [2]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("warmth>3", "warmth> is not known; there are battery, fault, heat"),
        ("heat>hot", "hot is not a number."),
        ("heat>", '"" is not a number.'),
        ("state>ready", "state> is not known"),
    ],
)
def test_what_is_not_understood_is_said_and_the_rest_counts(text: str, problem: str) -> None:
    wanted = parse_filter(f"galaxy {text}")
    assert problem in wanted.problem
    assert [phone.position for phone in PHONES if wanted(phone)] == [2]


@given(st.text(max_size=60))
def test_any_text_is_a_filter(text: str) -> None:
    wanted = parse_filter(text)
    assert all(wanted(phone) in (True, False) for phone in PHONES)


@given(st.sampled_from(["state:ready", "heat>40", "galaxy", "battery<60", "reputation>=0.5"]))
def test_a_term_and_its_reverse_share_no_phone(term: str) -> None:
    assert not set(found(term)) & set(found(f"-{term}"))


def test_the_line_counts_who_is_ready_who_waits_for_a_person_and_who_is_shown() -> None:
    assert counts_text(PHONES, 4) == "2 of 4 ready · 1 to be allowed on its screen"
    assert counts_text(PHONES[:3], 1) == "2 of 3 ready · 1 shown"
