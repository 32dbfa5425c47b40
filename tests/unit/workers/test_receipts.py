from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.saying import raises_telling
from tests.signing import agreed_fields
from workers.errors import ReceiptError
from workers.identity.receipts import (
    RECEIPT_DOMAIN,
    THIRD_RECEIPT_DOMAIN,
    ReceiptBody,
    canonical_bytes,
    check_public_key,
    sign_receipt,
    verify_receipt,
)
from workers.protocol.bounds import FieldError
from workers.protocol.chain import MAXIMUM_BLOCKS, ChainName, Span

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
BODY = ReceiptBody(
    transaction="t-1",
    stage=0,
    serial="phone",
    span="demo-0-3",
    graph="ab" * 32,
    blocks=Span(ChainName.DECODER, 0, 4),
    input_root="01" * 32,
    output_root="02" * 32,
    steps=4,
    tokens=12,
    sequence=1,
    numerical_class="CPU",
    **agreed_fields(),
)
PRIME = 2**255 - 19


def _signed(content: object) -> tuple[bytes, bytes]:
    data = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    return data, KEY.sign(RECEIPT_DOMAIN + data)


def test_a_receipt_is_read_back_as_it_was_signed() -> None:
    assert verify_receipt(canonical_bytes(BODY), sign_receipt(BODY, KEY), PUBLIC) == BODY


@given(
    st.sampled_from(ChainName),
    st.integers(0, MAXIMUM_BLOCKS - 1),
    st.integers(1, MAXIMUM_BLOCKS),
    st.text(min_size=1, max_size=256).filter(lambda text: text.isprintable()),
)
def test_every_span_is_read_back_and_no_empty_one_can_be_signed(
    chain: ChainName, first: int, end: int, name: str
) -> None:
    if end <= first:
        with raises_telling(FieldError, match="end"):
            Span(chain, first, end)
        return
    body = replace(BODY, blocks=Span(chain, first, end), numerical_class=name)
    assert verify_receipt(canonical_bytes(body), sign_receipt(body, KEY), PUBLIC) == body


def test_a_receipt_of_the_form_before_is_refused() -> None:
    content = asdict(BODY) | {"first_layer": 0, "last_layer": 3}
    del content["blocks"]
    with raises_telling(ReceiptError, match="fields"):
        verify_receipt(*_signed(content), PUBLIC)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_found(place: int, bit: int) -> None:
    data, signature = bytearray(canonical_bytes(BODY)), bytearray(sign_receipt(BODY, KEY))
    whole = len(data) + len(signature)
    place %= whole
    target, offset = (data, place) if place < len(data) else (signature, place - len(data))
    target[offset] ^= 1 << bit
    with pytest.raises(ReceiptError):
        verify_receipt(bytes(data), bytes(signature), PUBLIC)


def test_a_signature_under_another_key_or_without_the_domain_is_refused() -> None:
    data = canonical_bytes(BODY)
    other = Ed25519PrivateKey.generate()
    for signature in (sign_receipt(BODY, other), KEY.sign(data), b"", bytes(64)):
        with raises_telling(ReceiptError, match="does not fit"):
            verify_receipt(data, signature, PUBLIC)


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"stage": "0"},
        {"stage": True},
        {"stage": -1},
        {"steps": 1.5},
        {"input_root": "01"},
        {"output_root": "ZZ" * 32},
        {"transaction": None},
        {"resumed_from": None},
        {"resumed_from": "t" * 33},
        {"resumed_rows": -1},
        {"blocks": {"chain": "spine", "first": 0, "end": 4}},
        {"blocks": {"chain": "decoder", "first": 4, "end": 4}},
        {"blocks": {"chain": "decoder", "first": -1, "end": 4}},
        {"blocks": {"chain": "decoder", "first": 0, "end": 4_097}},
        {"blocks": {"chain": "decoder", "first": 0}},
        {"blocks": {"chain": "decoder", "first": 0, "end": 4, "last": 3}},
        {"blocks": ["decoder", 0, 4]},
        {"first_layer": 0, "last_layer": 3},
    ],
)
def test_unknown_and_mistyped_fields_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(*_signed({**asdict(BODY), **change}), PUBLIC)


@pytest.mark.parametrize("missing", sorted(asdict(BODY).keys() - {"choices", "grounds"}))
def test_a_missing_field_is_refused(missing: str) -> None:
    content = {name: value for name, value in asdict(BODY).items() if name != missing}
    with raises_telling(ReceiptError, match="fields"):
        verify_receipt(*_signed(content), PUBLIC)


def test_a_receipt_of_the_form_before_holds_under_its_own_domain_alone() -> None:
    third = replace(BODY, choices=None, grounds=None)
    fourth = replace(BODY, grounds=None)
    assert b"choices" not in canonical_bytes(third)
    assert b"grounds" not in canonical_bytes(fourth)
    for body in (third, fourth):
        assert verify_receipt(canonical_bytes(body), sign_receipt(body, KEY), PUBLIC) == body
    data = canonical_bytes(third)
    for domain in (RECEIPT_DOMAIN, b""):
        with raises_telling(ReceiptError, match="signature"):
            verify_receipt(data, KEY.sign(domain + data), PUBLIC)


def test_a_receipt_whose_choices_are_null_is_of_no_form() -> None:
    content = asdict(BODY) | {"choices": None}
    data = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    for domain in (RECEIPT_DOMAIN, THIRD_RECEIPT_DOMAIN):
        with pytest.raises(ReceiptError):
            verify_receipt(data, KEY.sign(domain + data), PUBLIC)


@pytest.mark.parametrize("content", [[], "text", 3, None])
def test_json_that_is_no_object_is_refused(content: object) -> None:
    with raises_telling(ReceiptError, match="fields"):
        verify_receipt(*_signed(content), PUBLIC)


def test_bytes_that_are_not_the_canonical_form_are_refused() -> None:
    canonical = canonical_bytes(BODY)
    variants = (
        canonical + b"\n",
        json.dumps(asdict(BODY)).encode(),
        canonical.replace(b'"stage":0', b'"stage":7,"stage":0'),
        canonical.replace(b"phone", b"\\u0070hone"),
    )
    for data in variants:
        with raises_telling(ReceiptError, match="canonical"):
            verify_receipt(data, KEY.sign(RECEIPT_DOMAIN + data), PUBLIC)


def test_an_oversized_receipt_is_refused_unread() -> None:
    body = replace(BODY, numerical_class="x" * 20_000)
    with raises_telling(ReceiptError, match="oversized"):
        verify_receipt(canonical_bytes(body), sign_receipt(body, KEY), PUBLIC)


def _double(point: tuple[int, int]) -> tuple[int, int]:
    """Double a point of Ed25519 in affine coordinates (RFC 8032, section 5.1)."""
    x, y = point
    d = -121665 * pow(121666, -1, PRIME)
    product = d * x * x * y * y
    return (
        2 * x * y * pow(1 + product, -1, PRIME) % PRIME,
        (y * y + x * x) * pow(1 - product, -1, PRIME) % PRIME,
    )


def _x_of(y: int) -> int | None:
    """Recover x (RFC 8032, section 5.1.3), None where y is on no point."""
    d = -121665 * pow(121666, -1, PRIME)
    square = (y * y - 1) * pow(d * y * y + 1, -1, PRIME) % PRIME
    root = pow(square, (PRIME + 3) // 8, PRIME)
    if (root * root - square) % PRIME:
        root = root * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    return None if (root * root - square) % PRIME else root


ORDER_EIGHT = int.from_bytes(
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
)


@pytest.mark.parametrize("y", [0, 1, PRIME - 1, ORDER_EIGHT, PRIME - ORDER_EIGHT])
@pytest.mark.parametrize("sign", [0, 1])
def test_points_of_low_order_are_refused_as_keys(y: int, sign: int) -> None:
    x = _x_of(y)
    assert x is not None
    point = (x, y)
    for _ in range(3):
        point = _double(point)
    assert point == (0, 1), "the test's own arithmetic: eight times the point is the identity"
    with raises_telling(ReceiptError, match="low order"):
        check_public_key((y | sign << 255).to_bytes(32, "little"))


@pytest.mark.parametrize("key", [b"", bytes(31), (PRIME + 3).to_bytes(32, "little"), b"\xff" * 32])
def test_keys_that_are_not_canonical_are_refused(key: bytes) -> None:
    with pytest.raises(ReceiptError):
        check_public_key(key)


def test_ordinary_keys_are_accepted() -> None:
    for _ in range(20):
        check_public_key(Ed25519PrivateKey.generate().public_key().public_bytes_raw())


@pytest.mark.parametrize("data", [b"[" * 16_000, canonical_bytes(BODY).replace(b"12", b"1" * 20)])
def test_what_has_no_canonical_form_is_refused_like_all_else(data: bytes) -> None:
    with raises_telling(ReceiptError, match=r"JSON|tokens"):
        verify_receipt(data, KEY.sign(RECEIPT_DOMAIN + data), PUBLIC)


def test_a_receipt_tells_what_its_work_went_on_from() -> None:
    body = replace(BODY, resumed_from="t-0", resumed_rows=64)
    assert verify_receipt(canonical_bytes(body), sign_receipt(body, KEY), PUBLIC) == body
