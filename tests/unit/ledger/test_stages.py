"""The entry that opens a transaction: its stages must hold every block of its chains once."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.assignment import Assignment, StageAssignment
from app.core.chain import Chain
from app.core.errors import LedgerError
from app.core.identifiers import Serial
from app.ledger.entry import FORMAT_VERSION
from app.ledger.rules.stages import read_stages, stages_fields
from app.ledger.rules.state import PhoneAccount, State, TransactionStage
from tests.saying import raises_saying
from tests.signing import SHARD
from workers.protocol.chain import ChainName, Span

ENCODER, DECODER = ChainName.ENCODER, ChainName.DECODER
TWO_CHAINS = Assignment(
    "demo",
    (Chain(ENCODER, 6), Chain(DECODER, 4)),
    (
        StageAssignment(Serial("A"), Span(ENCODER, 0, 6)),
        StageAssignment(Serial("B"), Span(DECODER, 0, 3)),
        StageAssignment(Serial("C"), Span(DECODER, 3, 4)),
    ),
)


def state_of(*serials: str) -> State:
    state = State()
    state.format = FORMAT_VERSION
    for serial in serials:
        state.phones[serial] = PhoneAccount(serial, bytes(32), "class", 1)
    return state


STATE = state_of("A", "B", "C")
SHARDS = (SHARD,) * 3


def test_spans_of_two_chains_are_read_back() -> None:
    assert read_stages(STATE, stages_fields(TWO_CHAINS, SHARDS)) == (
        TransactionStage("A", ENCODER, 0, 6),
        TransactionStage("B", DECODER, 0, 3),
        TransactionStage("C", DECODER, 3, 4),
    )


def changed(place: tuple[str, int, str], value: object) -> dict[str, Any]:
    fields = deepcopy(stages_fields(TWO_CHAINS, SHARDS))
    rows, number, name = place
    fields[rows][number][name] = value
    return fields


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        (("stages", 1, "chain"), "spine", "no chain spine"),
        (("stages", 1, "chain"), None, "'chain' is not text"),
        (("stages", 1, "chain"), "encoder", "Layer 0 of the decoder"),
        (("stages", 1, "first"), 3, "end is not above 3"),
        (("stages", 1, "end"), 0, "end is not above 0"),
        (("stages", 1, "end"), 2, "Layer 2 of the decoder"),
        (("stages", 2, "end"), 5, "Layer 4 of the decoder"),
        (("stages", 0, "first"), 1, "Layer 0 of the encoder"),
        (("stages", 0, "end"), 2**53 - 1, "Layer 6 of the encoder"),
        (("stages", 2, "serial"), "B", "different phones"),
        (("stages", 2, "serial"), "X", "not registered"),
        (("chains", 0, "chain"), "decoder", "chains, each once"),
        (("chains", 0, "blocks"), 0, "does not have 1 to"),
        (("chains", 0, "blocks"), 7, "Layer 6 of the encoder"),
        (("chains", 0, "blocks"), 2**53 - 1, "does not have 1 to"),
        (("chains", 1, "blocks"), "4", "not a whole number"),
    ],
)
def test_what_is_no_assignment_is_refused(
    place: tuple[str, int, str], value: object, why: str
) -> None:
    with raises_saying(LedgerError, why):
        read_stages(STATE, changed(place, value))


def test_no_more_chains_than_there_are() -> None:
    fields = stages_fields(TWO_CHAINS, SHARDS)
    fields["chains"].append({"chain": "encoder", "blocks": 1})
    with raises_saying(LedgerError, "chains, each once"):
        read_stages(STATE, fields)


ODD: st.SearchStrategy[object] = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["serial", "chain", "first", "end", "blocks"]), ODD), max_size=4
)


@given(st.sampled_from(["chains", "stages"]), ODD | ROWS)
def test_nothing_else_than_the_stages_themselves_is_taken(name: str, value: object) -> None:
    with pytest.raises(LedgerError):
        read_stages(STATE, {**stages_fields(TWO_CHAINS, SHARDS), name: value})
