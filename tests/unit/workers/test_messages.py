"""Every message is read as it was written, and nothing that is wrong is read or written."""

from __future__ import annotations

import gc
import random
import tracemalloc
from dataclasses import replace
from typing import Any, get_type_hints

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_messages import (
    CALL,
    CASES,
    COMMANDS,
    HEARTBEAT,
    KEY,
    PEERS,
    REPLIES,
    SEED,
    UNASKED,
    called,
    spoiled,
)
from tests.saying import raises_telling
from workers.errors import WireError
from workers.protocol import codec
from workers.protocol.between_phones.replica_messages import PeerMessage
from workers.protocol.bounds import FieldError, Integer, Text
from workers.protocol.codec import (
    Asked,
    BadCommandError,
    CallAnswer,
    encode,
    raw_frames,
    read_answer,
    read_command,
    read_heartbeat,
    read_incoming,
    read_reply,
    read_told,
)
from workers.protocol.commands import Admit, Close, Done, Hello, NextHop, Ping, Probed, Stop
from workers.protocol.forms import UnboundedFieldError, form_of
from workers.protocol.message import Message, Reply, WorkerCommand
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.told import Broken, Failed, ToldToken, told_reason
from workers.protocol.wire import PROTOCOL_VERSION, Kind

MAXIMUM_GROWTH_BYTES = 1 << 20


def same(one: Message, other: Message) -> bool:
    tensors = [getattr(each, "tensors", ()) for each in (one, other)]
    alike = all(np.array_equal(*pair) for pair in zip(*tensors, strict=True))
    without = [
        replace(each, tensors=()) if hasattr(each, "tensors") else each  # type: ignore[type-var]
        for each in (one, other)
    ]
    return alike and without[0] == without[1]


def read_again(message: Message) -> Message:
    """Return what the other end makes of a message."""
    frames = called(message)
    if isinstance(message, PeerMessage):
        said = read_incoming(frames)
        assert isinstance(said, PeerMessage)
        return said
    if isinstance(message, WorkerCommand):
        asked = read_command(frames)
        assert asked.call == CALL
        return asked.command
    if message is HEARTBEAT:
        return read_heartbeat(frames)
    told = read_told(frames)
    if not isinstance(told, CallAnswer):
        return told
    assert told.call == CALL
    if isinstance(told.content, Failed):
        return told.content
    assert isinstance(message, Reply)
    return read_reply(type(message), told.content)


def test_there_is_an_example_of_every_message() -> None:
    examples = {type(each) for each in (*COMMANDS, *REPLIES, *UNASKED, *PEERS, HEARTBEAT)}
    assert examples == {*codec.COMMANDS, *codec.REPLIES, *codec.UNASKED, *codec.PEERS}
    assert {each.reply for each in codec.COMMANDS} == {*codec.REPLIES}
    kinds = {value for name, value in vars(Kind).items() if name.isupper()}
    assert kinds == {each.kind for each in examples}


@pytest.mark.parametrize(
    "message",
    [*COMMANDS, *REPLIES, *UNASKED, *PEERS, HEARTBEAT],
    ids=lambda each: type(each).__name__,
)
def test_what_is_written_is_read_by_the_other_end(message: Message) -> None:
    assert same(read_again(message), message)


@given(st.sampled_from(COMMANDS), st.data())
def test_a_command_with_a_field_too_many_or_too_few_is_refused_by_name(
    command: WorkerCommand[Any], data: st.DataObject
) -> None:
    values = msgpack.unpackb(called(command)[0])
    names = sorted(values.keys() - {"kind", "call", "tensors"})
    name = data.draw(st.sampled_from([*names, "surprise"]))
    if name == "surprise":
        values[name] = 1
    else:
        del values[name]
    frames = [msgpack.packb(values), *called(command)[1:]]
    with raises_telling(BadCommandError, match=f"field '?{name}'? is (missing|not part)") as raised:
        read_command(frames)
    assert raised.value.call == CALL


def test_a_hello_of_another_version_is_refused_for_its_version_whatever_else_it_says() -> None:
    for more in ({"nonce": bytes(32)}, {}, {"nonce": 5, "news": True}):
        frames = raw_frames(Kind.HELLO, {"call": 1, "protocol": 99, **more})
        with raises_telling(BadCommandError, match=f"speaks protocol {PROTOCOL_VERSION}"):
            read_command(frames)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"chain": "spine"}, r"shape\.blocks\.chain is not one of"),
        ({"chain": None}, r"shape\.blocks\.chain is not one of"),
        ({"first": 4}, r"shape\.blocks\.end is not above 4"),
        ({"first": 9}, r"shape\.blocks\.end is not above 9"),
        ({"first": -1}, r"shape\.blocks\.first is no integer"),
        ({"first": True}, r"shape\.blocks\.first is no integer"),
        ({"end": 4_097}, r"shape\.blocks\.end is no integer"),
        ({"end": 2.0}, r"shape\.blocks\.end is no integer"),
        ({"last": 3}, r"shape\.blocks\.'last' is not part"),
    ],
)
def test_a_span_of_no_chain_or_without_a_block_is_not_loaded(
    change: dict[str, object], field: str
) -> None:
    (load,) = [each for each in COMMANDS if each.kind == Kind.LOAD]
    values = msgpack.unpackb(called(load)[0])
    values["shape"]["blocks"] |= change
    with raises_telling(BadCommandError, match=field):
        read_command([msgpack.packb(values)])


def test_layers_as_protocol_6_had_them_are_not_loaded() -> None:
    (load,) = [each for each in COMMANDS if each.kind == Kind.LOAD]
    values = msgpack.unpackb(called(load)[0])
    del values["shape"]["blocks"]
    values["shape"] |= {"first_layer": 0, "last_layer": 3}
    with raises_telling(BadCommandError, match=r"shape\.blocks is missing"):
        read_command([msgpack.packb(values)])


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Close("t" * 33, 0), "transaction"),
        (Close("ä", 0), "transaction"),
        (Close("", 0), "transaction"),
        (Admit((KEY, "short")), r"keys\[1\]"),
        (Admit([KEY]), "keys"),  # type: ignore[arg-type]
        (Ping(3), "answer_bytes"),
        (Ping(True), "answer_bytes"),
        (Hello(PROTOCOL_VERSION, bytes(31), bytes(32)), "nonce"),
        (Probed(float("nan"), None), "round_trip_s"),
        (Broken(("t",), "A", "", "tired"), "code"),
        (Failed("x" * 257), "reason"),
        (replace(COMMANDS[8], next=NextHop("tcp://x", 1)), r"next\.key"),  # type: ignore[arg-type]
        (
            replace(COMMANDS[8], sampling=SamplingRule(-1.0)),
            r"sampling\.temperature",
        ),
        (
            replace(UNASKED[1], rows=(UNASKED[1].rows[0]._replace(token=1 << 24),)),
            r"rows\[0\]\.token",
        ),
        (Ping(0, (np.zeros(1, np.float32),) * 2), "tensors"),
        (Ping(0, (np.zeros(1, np.complex128),)), "complex128"),
    ],
)
def test_nothing_that_is_out_of_bounds_can_be_written(message: Message, field: str) -> None:
    with raises_telling(WireError, match=field):
        called(message)


def test_a_reason_that_is_no_unicode_or_too_long_is_told_all_the_same() -> None:
    reason = told_reason("\udcff\x1b[2J" + "x" * 300)
    answer = read_told(encode(Failed(reason), 1))
    assert isinstance(answer, CallAnswer)
    assert answer.content == Failed("[2J" + "x" * 253)
    with raises_telling(WireError, match="cannot be written"):
        encode(Failed("\udcff"), 1)


def test_a_field_without_a_bound_is_refused_when_it_is_declared() -> None:
    for annotation in (int, str, float, bytes, dict, list[int]):
        with pytest.raises(UnboundedFieldError):
            form_of(annotation)
    hints = get_type_hints(ToldToken, include_extras=True)
    assert Text(maximum=32, ascii_only=True) in hints["transaction"].__metadata__
    assert Integer(0, (1 << 24) - 1).words == "integer, 0 to 2^24 - 1"


def test_no_spoiled_message_is_read_by_a_worker_and_none_takes_memory() -> None:
    chance = random.Random(SEED)  # noqa: S311 - chooses tests
    examples = [called(command) for command in COMMANDS]
    _warm(chance, examples)
    tracemalloc.start()
    before_bytes, _ = tracemalloc.get_traced_memory()
    for _ in range(CASES):
        frames = spoiled(chance.choice(examples), chance)
        with pytest.raises(WireError):
            read_command(frames)
    gc.collect()  # refusals hold each other in circles, which count only once nothing frees them
    after_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after_bytes - before_bytes < MAXIMUM_GROWTH_BYTES


def test_no_spoiled_message_is_read_by_the_host() -> None:
    chance = random.Random(SEED)  # noqa: S311 - chooses tests
    for _ in range(CASES):
        with pytest.raises(WireError):
            read_told(spoiled(called(chance.choice(UNASKED)), chance))
        with pytest.raises(WireError):
            read_heartbeat(spoiled(called(HEARTBEAT), chance))
        reply = chance.choice(REPLIES)
        with pytest.raises(WireError):
            read_answer(spoiled(called(reply), chance), type(reply))


def test_an_error_tells_where_it_is() -> None:
    frames = raw_frames(Kind.ADMIT, {"call": 1, "keys": [KEY, KEY[1:]]})
    with raises_telling(
        BadCommandError, match=r"^field keys\[1\] is no ASCII text of 40 characters$"
    ):
        read_command(frames)
    inner = FieldError("field.missing", field="b")
    assert str(inner.inside("a")) == "field.missing(field=a.b)"
    assert read_command(encode(Stop(), 3)) == Asked(3, Stop())
    assert Stop.reply is Done


def _warm(chance: random.Random, examples: list[list[bytes]]) -> None:
    """Let whatever is made once be made."""
    for _ in range(200):
        with pytest.raises(WireError):
            read_command(spoiled(chance.choice(examples), chance))
