"""How tokens were chosen, written into evidence and read again."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInputError
from app.proof.records.sampling_fields import read_steering, steering_fields
from workers.protocol.sampling_rule import Added, Steering

TOKENS = st.integers(0, 1 << 20)
STEERINGS = st.builds(
    Steering,
    allowed=st.binary(max_size=40),
    added=st.lists(st.builds(Added, TOKENS, st.floats(-1e6, 1e6)), max_size=4).map(tuple),
    repeated=st.lists(TOKENS, max_size=4).map(tuple),
    repetition=st.floats(0.1, 10.0),
)


@given(STEERINGS)
def test_all_that_steers_a_token_is_read_as_it_was_written(steering: Steering) -> None:
    assert read_steering(json.loads(json.dumps(steering_fields(steering)))) == steering


@pytest.mark.parametrize("name", [each.name for each in fields(Steering)])
def test_what_steers_a_token_is_no_steering_without_one_of_its_fields(name: str) -> None:
    written = steering_fields(Steering())
    del written[name]
    with pytest.raises(BadInputError):
        read_steering(written)
