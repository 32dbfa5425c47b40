"""Facts: what they hold, what they mention, and how developers read them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.device import DeviceState, standing
from app.core.facts import Fact, FieldValue
from app.core.identifiers import Serial

SERIAL = Serial("emulator-5554")
NAMES = st.text(max_size=12)


def nested(values: st.SearchStrategy[FieldValue]) -> st.SearchStrategy[FieldValue]:
    return st.lists(values, max_size=3).map(tuple) | values.map(lambda each: Fact("x.y", it=each))


FIELDS: st.SearchStrategy[FieldValue] = st.recursive(
    NAMES | st.integers() | st.sampled_from(DeviceState), nested, max_leaves=6
)


def test_a_fact_with_another_name_is_otherwise_the_same() -> None:
    fact = Fact("stage.late", phone=SERIAL, limit=2.0)
    named = fact.but(phone="Pixel 8")
    assert named == Fact("stage.late", phone="Pixel 8", limit=2.0)
    assert fact == Fact("stage.late", phone=SERIAL, limit=2.0)


@given(FIELDS)
def test_what_is_within_a_fact_however_deep_is_mentioned(value: FieldValue) -> None:
    inner = Fact("phone.lost", phone=SERIAL)
    outer = Fact("rack.ended", facts=(Fact("a.b", why=value), Fact("c.d", why=(inner, value))))
    assert outer.mentions(inner)
    assert outer.mentions(SERIAL)
    assert not outer.mentions(Fact("phone.found", phone=SERIAL))


@given(FIELDS)
def test_a_fact_can_be_kept_in_a_set_and_read_in_a_log(value: FieldValue) -> None:
    fact = Fact("a.b", it=value)
    assert {fact, Fact("a.b", it=value)} == {fact}
    assert str(fact).startswith("a.b(it=")


def test_how_a_phone_stands_names_it_once() -> None:
    named = Fact("phone.unplugged", phone=SERIAL)
    assert standing(SERIAL, DeviceState.LOST, named) is named
    because = standing(SERIAL, DeviceState.LOST, Fact("phone.unforeseen"))
    assert because == Fact("phone.stands_because", phone=SERIAL, reason=Fact("phone.unforeseen"))
    assert standing(SERIAL, DeviceState.BUSY, None) == Fact(
        "phone.stands", phone=SERIAL, state=DeviceState.BUSY
    )
