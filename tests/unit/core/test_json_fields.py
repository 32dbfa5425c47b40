"""What a field from outside may be, and that whoever reads it says so in words of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audit_outcome import AuditOutcome
from app.core.errors import BadInputError, LedgerError, ShardloomError
from app.core.reading.json_fields import LARGEST_WHOLE, Fields
from app.ledger import entry
from app.ledger.rules.verdict import LARGEST_DEVIATION, verdict_fields
from app.proof.records import json_fields
from tests.unit.ledger.support import Verdict

Read = Callable[[Fields, str], object]
READERS: dict[str, tuple[Read, Read]] = {
    "text": (entry.text, json_fields.text),
    "flag": (entry.flag, json_fields.flag),
    "whole number": (entry.integer, json_fields.whole_number),
    "record": (entry.record, json_fields.record),
    "records": (entry.records, json_fields.records),
    "octets": (lambda fields, name: entry.octets(fields, name, 2), json_fields.octets),
}
FITTING: dict[str, Any] = {
    "text": "",
    "flag": False,
    "whole number": LARGEST_WHOLE,
    "record": {},
    "records": [{}],
    "octets": "00ff",
}
MISFITS: dict[str, list[Any]] = {
    "text": [None, 1, ["a"]],
    "flag": [None, 0, "true"],
    "whole number": [None, -1, True, 1.0, "1", LARGEST_WHOLE + 1],
    "record": [None, [], "{}"],
    "records": [None, {}, [{}, 1]],
    "octets": [None, "0g", "0"],
}


@pytest.mark.parametrize("kind", READERS)
def test_a_journal_and_a_proof_read_the_same_and_say_in_their_own_words_what_is_wrong(
    kind: str,
) -> None:
    of_journal, of_proof = READERS[kind]
    given_fields = {"it": FITTING[kind]}
    assert of_journal(given_fields, "it") == of_proof(given_fields, "it")
    for misfit in MISFITS[kind]:
        with pytest.raises(LedgerError) as ledger:
            of_journal({"it": misfit}, "it")
        with pytest.raises(BadInputError) as proof:
            of_proof({"it": misfit}, "it")
        assert ledger.value.fact.mentions("it")
        assert proof.value.fact.code == "proof.odd_field"
    with pytest.raises(ShardloomError):
        of_proof({}, "it")


def test_bytes_of_another_length_are_refused() -> None:
    with pytest.raises(LedgerError) as caught:
        entry.octets({"it": "00"}, "it", 2)
    assert caught.value.fact.code == "entry.field_of_other_length"


@pytest.mark.parametrize("told", ["nan", "inf", "-Infinity", "1e999", True, None, [], ""])
def test_what_is_no_finite_number_is_none(told: object) -> None:
    with pytest.raises(LedgerError):
        entry.number({"it": told}, "it")


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_whatever_deviates_the_journal_can_hold_it(deviation: float) -> None:
    verdict = Verdict("t", 0, "A", AuditOutcome.PASSED, deviation=deviation)
    body = json.loads(entry.canonical_json(verdict_fields(verdict)))
    assert entry.number(body, "deviation") <= LARGEST_DEVIATION
