"""SPAKE2 agrees with itself, and with BoringSSL's own where Debian's build of it is installed."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.devices.wireless import edwards25519 as curve
from app.devices.wireless.pairing_exchange import NAMES
from app.devices.wireless.spake2 import PairingRole, Spake2

LIBRARY = next(Path("/usr/lib").glob("*/android/libcrypto.so.0"), None)
ROUNDS = 40
MESSAGE_BYTES, KEY_BYTES = 32, 64


class Oracle:
    """BoringSSL's SPAKE2 (`openssl/curve25519.h`)."""

    def __init__(self, library: ctypes.CDLL, role: PairingRole, password: bytes) -> None:
        own, peer = (
            (NAMES.alice, NAMES.bob) if role is PairingRole.ALICE else (NAMES.bob, NAMES.alice)
        )
        self._library = library
        library.SPAKE2_CTX_new.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(
            library.SPAKE2_CTX_new(
                list(PairingRole).index(role),
                *(own, ctypes.c_size_t(len(own)), peer, ctypes.c_size_t(len(peer))),
            )
        )
        message, size = ctypes.create_string_buffer(MESSAGE_BYTES), ctypes.c_size_t()
        arguments = (password, ctypes.c_size_t(len(password)))
        done = library.SPAKE2_generate_msg(
            self._context,
            *(message, ctypes.byref(size), ctypes.c_size_t(MESSAGE_BYTES)),
            *arguments,
        )
        assert (done, size.value) == (1, MESSAGE_BYTES)
        self.message = message.raw

    def key(self, peer_message: bytes) -> bytes:
        key, size = ctypes.create_string_buffer(KEY_BYTES), ctypes.c_size_t()
        done = self._library.SPAKE2_process_msg(
            self._context,
            *(key, ctypes.byref(size), ctypes.c_size_t(KEY_BYTES)),
            *(peer_message, ctypes.c_size_t(len(peer_message))),
        )
        assert (done, size.value) == (1, KEY_BYTES)
        return key.raw

    def free(self) -> None:
        self._library.SPAKE2_CTX_free(self._context)


@pytest.mark.skipif(LIBRARY is None, reason="android-libboringssl is not installed: no oracle")
@pytest.mark.parametrize("role", PairingRole)
def test_it_is_boringssls_in_both_roles(role: PairingRole) -> None:
    library = ctypes.CDLL(str(LIBRARY))
    other = PairingRole.BOB if role is PairingRole.ALICE else PairingRole.ALICE
    for _ in range(ROUNDS):
        password = os.urandom(70)
        ours, theirs = Spake2(role, NAMES, password), Oracle(library, other, password)
        assert ours.key(theirs.message) == theirs.key(ours.message)
        theirs.free()


@settings(max_examples=10, deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=80))
def test_the_keys_are_equal_exactly_where_the_passwords_are(ours: bytes, theirs: bytes) -> None:
    alice, bob = Spake2(PairingRole.ALICE, NAMES, ours), Spake2(PairingRole.BOB, NAMES, theirs)
    assert (alice.key(bob.message) == bob.key(alice.message)) is (ours == theirs)


def test_a_message_is_never_the_same_twice() -> None:
    assert (
        Spake2(PairingRole.ALICE, NAMES, b"x").message
        != Spake2(PairingRole.ALICE, NAMES, b"x").message
    )


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=MESSAGE_BYTES + 1))
def test_bytes_are_a_point_or_refused(data: bytes) -> None:
    try:
        point = curve.decode(data)
    except ValueError:
        return
    left = (point.y * point.y - point.x * point.x) % curve.PRIME
    right = (1 + curve._D * point.x * point.x * point.y * point.y) % curve.PRIME
    assert left == right


@settings(max_examples=10, deadline=None)
@given(st.integers(0, curve.ORDER - 1), st.integers(0, curve.ORDER - 1))
def test_multiplying_distributes_over_adding(first: int, second: int) -> None:
    apart = curve.add(curve.multiply(first, curve.BASE), curve.multiply(second, curve.BASE))
    assert curve.encode(apart) == curve.encode(curve.multiply(first + second, curve.BASE))
    assert curve.decode(curve.encode(apart)).x == apart.x * pow(apart.z, -1, curve.PRIME) % (
        curve.PRIME
    )
    assert curve.encode(curve.multiply(curve.ORDER, curve.BASE)) == curve.encode(curve.NEUTRAL)
