"""Fault specifications as people write them."""

import pytest

from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.faults.catalogue import FaultKind, parse_fault
from tests.saying import raises_saying

SERIALS = [Serial("A1"), Serial("B2")]


def test_a_phone_is_named_by_its_position_from_one() -> None:
    fault = parse_fault("crash:2@10", SERIALS)
    assert (fault.kind, fault.serial, fault.token) == (FaultKind.CRASH, "B2", 10)


def test_a_phone_is_named_by_its_serial_and_the_token_defaults_to_the_first() -> None:
    fault = parse_fault("wrong-output:A1", SERIALS)
    assert (fault.serial, fault.token) == ("A1", 1)
    assert str(fault) == "wrong-output@1"


@pytest.mark.parametrize(
    "text",
    ["", "crash", "melt:1", "crash:0", "crash:3", "crash:C3", "crash:1@0", "crash:1@x", "crash:1@"],
)
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_fault(text, SERIALS)
    assert "\n" not in str(caught.value)
    assert repr(text) in str(caught.value)


def test_what_befalls_a_phone_happens_at_once() -> None:
    assert parse_fault("unplug:2", SERIALS).befalls_phone
    with raises_saying(BadInputError, match="unplug happens at once"):
        parse_fault("unplug:2@5", SERIALS)
