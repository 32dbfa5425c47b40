from __future__ import annotations

from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.saying import raises_telling
from workers.errors import WireError
from workers.protocol.codec import raw_frames, read_raw
from workers.protocol.wire import DTYPES, MAXIMUM_HEADER_BYTES, MAXIMUM_TENSOR_BYTES, Kind

TENSORS = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda code: arrays.arrays(
        DTYPES[code], arrays.array_shapes(min_dims=0, min_side=0, max_side=5)
    )
)
FIELDS = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name not in ("kind", "tensors")),
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text() | st.binary(),
    max_size=6,
)


@given(FIELDS, st.lists(TENSORS, max_size=3))
def test_what_is_encoded_is_decoded(fields: dict[str, Any], tensors: list[np.ndarray]) -> None:
    message = read_raw([bytes(frame) for frame in raw_frames(Kind.TOKEN, fields, tensors)])
    assert message.kind == Kind.TOKEN
    assert message.fields == fields
    for sent, received in zip(tensors, message.tensors, strict=True):
        assert (sent.shape, sent.dtype) == (received.shape, received.dtype)
        assert sent.tobytes() == received.tobytes()


@given(st.lists(st.binary(max_size=64), max_size=4))
def test_arbitrary_frames_are_refused_or_read_and_never_crash(frames: list[bytes]) -> None:
    try:
        message = read_raw(frames)
    except WireError:
        return
    assert len(message.tensors) == len(frames) - 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 300) | st.text(max_size=4) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@given(ANYTHING, ANYTHING, st.lists(st.binary(max_size=32), max_size=2))
def test_well_formed_headers_with_odd_content_never_crash(
    kind: object, tensors: object, frames: list[bytes]
) -> None:
    header = msgpack.packb({"kind": kind, "tensors": tensors})
    try:
        message = read_raw([header, *frames])
    except WireError:
        return
    assert isinstance(message.kind, str)


@pytest.mark.parametrize(
    "shape",
    [[-1], [2.0], [True], [3], [MAXIMUM_TENSOR_BYTES, MAXIMUM_TENSOR_BYTES], [1] * 9],
)
def test_shapes_that_do_not_fit_their_frame_are_refused(shape: list[object]) -> None:
    header = msgpack.packb({"kind": "token", "tensors": [["f4", shape]]})
    with pytest.raises(WireError):
        read_raw([header, b"12345678"])


def test_an_oversized_header_is_refused_before_it_is_read() -> None:
    with raises_telling(WireError, match="oversized"):
        read_raw([bytes(MAXIMUM_HEADER_BYTES + 1)])


def test_nested_headers_without_end_are_refused() -> None:
    with pytest.raises(WireError):
        read_raw([b"\x91" * 100_000 + b"\xc0"])


def test_a_type_outside_the_protocol_is_refused() -> None:
    with raises_telling(WireError, match="complex128"):
        raw_frames(Kind.TOKEN, {}, [np.zeros(1, np.complex128)])


def test_a_transposed_tensor_travels_by_its_content() -> None:
    tensor = np.arange(6, dtype=np.float32).reshape(2, 3).T
    frames = raw_frames(Kind.TOKEN, {}, [tensor])
    np.testing.assert_array_equal(read_raw([bytes(frame) for frame in frames]).tensors[0], tensor)


def test_received_tensors_cannot_be_written_to() -> None:
    frames = [bytes(frame) for frame in raw_frames(Kind.TOKEN, {}, [np.zeros(2, np.float32)])]
    with pytest.raises(ValueError, match="read-only"):
        read_raw(frames).tensors[0][0] = 1
