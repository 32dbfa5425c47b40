"""Every kind of fault is specified, and what a worker shows goes by the same name there."""

import pytest

from app.core.errors import BadInputError
from app.core.identifiers import HOST, Serial
from app.faults.catalogue import Fault, check_fault, parse_fault
from app.faults.kinds import FaultKind
from app.faults.specifications import SPECIFICATIONS, BroughtBy, Catcher, Where, kinds_at
from app.words.faults import fault_description, fault_word
from tests.saying import raises_saying

SERIALS = [Serial("A1"), Serial("B2")]


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_says_where_it_strikes_who_notices_and_how_soon(kind: FaultKind) -> None:
    told = SPECIFICATIONS[kind]
    assert told.caught_by
    assert told.within_s > 0 or told.caught_by == {Catcher.NOBODY}
    assert fault_word(kind) != kind.value
    assert fault_description(kind).endswith(".")
    if told.dose is not None:
        assert told.dose.least <= told.dose.usual <= told.dose.most
    if told.by is not BroughtBy.WORKER:
        assert not told.in_steps


def test_every_place_can_be_struck() -> None:
    assert all(kinds_at(where) for where in Where)
    assert sum(len(kinds_at(where)) for where in Where) == len(FaultKind)


def test_a_dose_is_written_behind_the_token() -> None:
    fault = parse_fault("noise:2@5=0.01%10", SERIALS)
    assert fault == Fault(FaultKind.NOISE, Serial("B2"), 5, 0.01, 0.1)
    assert str(fault) == "noise@5=0.01%10"
    assert parse_fault("host-stall:host=500", SERIALS).serial == HOST


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("slow:1=0.5", "its amount is from 1 to 1000"),
        ("crash:1=2", "crash has no amount"),
        ("crash:1%50", "cannot show in a share"),
        ("noise:1%0", "its share of the steps is above 0"),
        ("noise:1%101", "its share of the steps is above 0"),
        ("host-stall:1", "no phone '1'"),
        ("crash:host", "no phone 'host'"),
    ],
)
def test_a_dose_that_a_kind_cannot_have_is_refused(text: str, why: str) -> None:
    with raises_saying(BadInputError, match=why):
        parse_fault(text, SERIALS)


def test_an_amount_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadInputError):
        check_fault(Fault(FaultKind.SLOW, SERIALS[0], amount=float("nan")))
