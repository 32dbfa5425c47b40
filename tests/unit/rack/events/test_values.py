"""Whatever goes through the door comes out as it went in, or is refused as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Any, get_args, get_type_hints

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audit_outcome import AuditOutcome
from app.core.conversation import question
from app.core.device import DeviceState
from app.core.errors import BadInputError
from app.core.facts import Fact, FieldValue
from app.core.identifiers import RequestId, Serial, TransactionId
from app.core.tasks import Chat, Classify, Complete, Embed, Summarise, Task, Translate
from app.faults.catalogue import FaultKind
from app.ledger.views.economy import EconomySnapshot
from app.ledger.views.snapshot import LedgerSnapshot
from app.pipeline.tracing.step_times import StageTrace, StepTrace
from app.placement.problem import Pin
from app.rack.commands import Ask, Cancel, Sampling
from app.rack.commands.pairing import PairByCode
from app.rack.door.messages import (
    COMMANDS,
    message_of,
    read_command,
    read_error,
    write_command,
    write_error,
)
from app.rack.events.request_events import (
    AnswerGiven,
    AttemptStarted,
    Ended,
    Missed,
    RequestEvent,
    RolledBack,
    RowsReused,
    StageAudited,
    StageTimes,
    StateChanged,
    StepTraced,
    TokenAdded,
    WhatHappened,
)
from app.rack.events.values import UnreadableError, read_as, value_form, write_as
from app.rack.requests.request import Request
from app.rack.snapshot import Alternative, LabelScore, Phase, RackSnapshot, RequestState
from tests.assignments import held, pinned, placed
from tests.saying import raises_saying
from tests.unit.rack.snapshots import EMPTY_RACK
from tests.unit.rack.test_dispatch import EXAMPLES
from workers.protocol.sampling_rule import SamplingRule

fields: st.SearchStrategy[FieldValue] = st.recursive(
    st.text(max_size=5)
    | st.integers(-(1 << 60), 1 << 60)
    | st.floats(allow_nan=False)
    | st.sampled_from([*DeviceState, *Phase, *FaultKind]),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.builds(lambda value: Fact("inner.fact", value=value), inner)
    ),
    max_leaves=5,
)
facts = st.builds(lambda value: Fact("some.fact", value=value), fields)
PHONE = Serial("A")
PLACED = placed("demo", 2, (held(PHONE, 0, 0), held(Serial("B"), 1, 1)))
TIMES = StageTimes((PHONE, Serial("B")), (1.5, 2.0))
STAGE = StageTrace(PHONE, 7, 100, 0.1, 0.0, 0.2, 0.3, 0.05, 0.4, 0.5, 0.001)
TRACE = StepTrace(TransactionId("t"), 1, 2, 1, 3, 1, True, 0.1, (STAGE,), 90, 0.6)
REQUEST = Request(
    RequestId("r"), "x", (1, 2), 5, frozenset({0}), SamplingRule(), None, 0.0
).snapshot()
HAPPENED: tuple[WhatHappened, ...] = (
    StateChanged(RequestState.DECODING, Fact("some.fact", state=Phase.READY)),
    AttemptStarted(PLACED),
    RowsReused(TransactionId("t"), 3),
    TokenAdded(1, 7, "é", -0.5, (Alternative(8, "x", -1.0),), TIMES, "e"),
    StepTraced(TRACE),
    AnswerGiven((LabelScore("good", 0.9),), (0.5, -0.25), TIMES),
    StageAudited(PHONE, AuditOutcome.PASSED, 0.1),
    RolledBack(2, 3),
    Ended(replace(REQUEST, assignment=PLACED)),
    Missed(4),
)
ASKS: tuple[Ask, ...] = (
    Ask(Complete("x"), None, Sampling(0.5, 0.9, 1, ("stop",), 2, 3, 0.1, ((5, 1.5),)), "me"),
    Ask(Complete((1, 2, 3)), 3),
    Ask(Chat(question("hello", "be kind"))),
    Ask(Summarise("long")),
    Ask(Translate("x", "German")),
    Ask(Classify("x")),
    Ask(Embed((1, 2))),
)


def there_and_back(kind: Any, value: object) -> object:  # noqa: ANN401
    """Return what the other end makes of a value."""
    return read_as(kind, msgpack.unpackb(msgpack.packb(write_as(kind, value))))


def test_every_event_of_a_request_comes_out_the_same() -> None:
    assert {type(each) for each in HAPPENED} == set(get_args(WhatHappened))
    for number, what in enumerate(HAPPENED, 1):
        event = RequestEvent(RequestId("r"), number, 1.5, what)
        assert repr(there_and_back(RequestEvent, event)) == repr(event)


def test_every_task_comes_out_the_same() -> None:
    assert {type(ask.task) for ask in ASKS} == set(get_args(Task))
    for ask in ASKS:
        assert repr(there_and_back(Ask, ask)) == repr(ask)


@given(facts)
def test_whatever_a_fact_tells_it_tells_on_the_other_side(fact: Fact) -> None:
    assert there_and_back(Fact, fact) == fact


def test_an_empty_rack_and_every_command_of_the_door_go_through() -> None:
    assert there_and_back(type(EMPTY_RACK), EMPTY_RACK) == EMPTY_RACK
    carried = [each for each in EXAMPLES if type(each).__name__ in COMMANDS]
    assert len(carried) == len(COMMANDS)
    for command in carried:
        name, given_fields = msgpack.unpackb(msgpack.packb(write_command(command)))
        assert read_command(name, given_fields) == command


def test_what_the_door_does_not_offer_is_neither_written_nor_read() -> None:
    with pytest.raises(TypeError):
        write_command(PairByCode("HOST:1", "123456", print))
    with pytest.raises(UnreadableError):
        read_command("PairByCode", ["HOST:1", "123456", None])


plain = st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=3)
anything = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@given(st.sampled_from([Ask, Cancel, RequestEvent, Fact]), anything)
def test_what_is_of_another_shape_is_refused_and_nothing_else_happens(
    kind: type[object], value: object
) -> None:
    try:
        found = read_as(kind, value)
    except UnreadableError:
        return
    assert there_and_back(kind, found) == found


@given(st.binary(max_size=60))
def test_bytes_are_a_numbered_message_or_unreadable(content: bytes) -> None:
    try:
        number, *_ = message_of(content)
    except UnreadableError:
        return
    assert type(number) is int


@pytest.mark.parametrize("ends", [[3, 3], [4, 2], [-1, 2]])
def test_a_span_without_a_block_is_unreadable(ends: list[int]) -> None:
    with pytest.raises(UnreadableError):
        read_as(Pin, ["A", ["decoder", *ends]])


def test_a_pin_comes_out_the_same() -> None:
    pin = pinned(Serial("A"), 2, 5)
    assert read_as(Pin, write_as(Pin, pin)) == pin


def test_facts_nested_without_end_are_unreadable() -> None:
    nested: object = 0
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(UnreadableError):
        read_as(Fact, ["a.code", [["field", nested]]])


def test_an_error_arrives_with_its_class_and_words() -> None:
    given_error = BadInputError("rack.no_such_phone", phone="nope")
    with raises_saying(BadInputError, "This rack has no phone nope"):
        raise read_error(*msgpack.unpackb(msgpack.packb(write_error(given_error))))


def test_a_whole_snapshot_with_a_ledger_and_its_economy_goes_both_ways() -> None:
    economy = EconomySnapshot(parameters={"fee": 3, "delay": 60})
    ledger = LedgerSnapshot(1, "a" * 64, 5, (), (), (), economy)
    snapshot = replace(EMPTY_RACK, ledger=ledger)
    packed = msgpack.packb(write_as(RackSnapshot, snapshot))
    assert read_as(RackSnapshot, msgpack.unpackb(packed)) == snapshot


def test_a_mapping_with_one_key_twice_is_refused() -> None:
    kind = Mapping[str, int]
    assert read_as(kind, write_as(kind, {"a": 1})) == {"a": 1}  # type: ignore[type-abstract]
    for odd in ([["a", 1], ["a", 2]], [["a"]], {"a": 1}, [[1, "a"]]):
        with pytest.raises(UnreadableError):
            read_as(kind, odd)  # type: ignore[type-abstract]


def test_everything_that_a_snapshot_can_hold_has_a_form() -> None:
    seen: set[object] = set()
    waiting: list[Any] = [RackSnapshot]
    while waiting:
        kind = waiting.pop()
        if kind in seen or kind is Fact:
            continue
        seen.add(kind)
        if is_dataclass(kind):
            waiting.extend(get_type_hints(kind).values())
        elif kind is not Ellipsis:
            value_form(kind)
            waiting.extend(get_args(kind))
    assert EconomySnapshot in seen
