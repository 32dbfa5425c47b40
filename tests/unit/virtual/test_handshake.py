"""Only computers whose key was accepted come online; damaged keys and odd packets never do."""

from __future__ import annotations

import base64
import stat
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from hypothesis import given
from hypothesis import strategies as st

from app.virtual.adbd.authentication import BadKeyError, TrustedKeys, parse_public_key
from app.virtual.adbd.handshake import AuthenticationKind, Handshake
from app.virtual.adbd.packets import AdbCommand, Packet, ProtocolError

CNXN = Packet(AdbCommand.CNXN, 0x01000001, 1 << 20, b"host::\0")


@pytest.fixture(scope="module")
def computer() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def public_line(key: rsa.RSAPrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    inverse = -pow(numbers.n, -1, 1 << 32) % (1 << 32)
    square = pow(1 << 2048, 2, numbers.n)
    data = struct.pack(
        "<II256s256sI",
        64,
        inverse,
        numbers.n.to_bytes(256, "little"),
        square.to_bytes(256, "little"),
        numbers.e,
    )
    return base64.b64encode(data) + b" someone@somewhere\0"


def signature_of(key: rsa.RSAPrivateKey, token: bytes) -> Packet:
    signature = key.sign(token, padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))  # noqa: S303 - ADB's own
    return Packet(AdbCommand.AUTH, AuthenticationKind.SIGNATURE, 0, signature)


def offer(key: rsa.RSAPrivateKey) -> Packet:
    return Packet(AdbCommand.AUTH, AuthenticationKind.PUBLIC_KEY, 0, public_line(key))


def begin(handshake: Handshake) -> bytes:
    challenge = handshake.receive(CNXN)
    assert challenge is not None
    assert challenge.command is AdbCommand.AUTH
    return challenge.payload


def test_an_accepted_key_is_kept_and_signs_in_the_next_time(
    tmp_path: Path, computer: rsa.RSAPrivateKey
) -> None:
    path = tmp_path / "adb_keys"
    first = Handshake(TrustedKeys(path), b"device::", ask=False)
    token = begin(first)
    refused = first.receive(signature_of(computer, token))
    assert refused is not None
    assert refused.command is AdbCommand.AUTH
    before = first.is_online
    first.receive(offer(computer))
    assert (before, first.is_online) == (False, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    second = Handshake(TrustedKeys(path), b"device::", ask=True)
    welcome = second.receive(signature_of(computer, begin(second)))
    assert welcome is not None
    assert (welcome.command, welcome.payload) == (AdbCommand.CNXN, b"device::")


def test_an_unknown_computer_waits_until_somebody_accepts_its_key(
    tmp_path: Path, computer: rsa.RSAPrivateKey
) -> None:
    handshake = Handshake(TrustedKeys(tmp_path / "adb_keys"), b"device::", ask=True)
    begin(handshake)
    assert handshake.receive(offer(computer)) is None
    before = handshake.is_online
    assert handshake.accept_pending_key() is not None
    assert (before, handshake.is_online) == (False, True)
    assert handshake.accept_pending_key() is None


def test_an_old_signature_does_not_fit_a_new_challenge(
    tmp_path: Path, computer: rsa.RSAPrivateKey
) -> None:
    keys = TrustedKeys(tmp_path / "adb_keys")
    keys.add(public_line(computer))
    handshake = Handshake(keys, b"device::", ask=True)
    recorded = signature_of(computer, begin(handshake))
    begin(handshake)
    handshake.receive(recorded)
    assert not handshake.is_online


@given(st.binary(max_size=64) | st.binary(min_size=524, max_size=524).map(base64.b64encode))
def test_bytes_that_are_no_key_are_refused(line: bytes) -> None:
    with pytest.raises(BadKeyError):
        parse_public_key(line)


def test_signatures_cannot_be_tried_without_end(tmp_path: Path) -> None:
    handshake = Handshake(TrustedKeys(tmp_path / "adb_keys"), b"device::", ask=True)
    begin(handshake)
    guess = Packet(AdbCommand.AUTH, AuthenticationKind.SIGNATURE, 0, bytes(256))
    for _ in range(64):
        handshake.receive(guess)
    with pytest.raises(ProtocolError, match="too_many"):
        handshake.receive(guess)


@pytest.mark.parametrize(
    "packet",
    [
        Packet(AdbCommand.OPEN, 1, 0, b"shell:id\0"),
        Packet(AdbCommand.AUTH, AuthenticationKind.SIGNATURE, 0, b""),
        Packet(AdbCommand.CNXN, 0x01000001, 1, b"host::"),
    ],
)
def test_nothing_is_served_before_the_connection_is_up(tmp_path: Path, packet: Packet) -> None:
    handshake = Handshake(TrustedKeys(tmp_path / "adb_keys"), b"device::", ask=False)
    with pytest.raises(ProtocolError):
        handshake.receive(packet)
