"""Heads of ledgers: their form, who signed them, and what a phone will not sign."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.merkle import consistency_proof, leaf_hash, root_hash
from workers.errors import IdentityError, ReceiptError
from workers.identity import checkpoint as notes
from workers.identity.checkpoint import LogCheckpoint, check_cosignature, cosigned, signed_note
from workers.identity.identity import Identity
from workers.identity.witness import MAXIMUM_LEDGERS, Witness

HOST = Ed25519PrivateKey.from_private_bytes(b"h" * 32)
HOST_KEY = HOST.public_key().public_bytes_raw()
PHONE = Ed25519PrivateKey.from_private_bytes(b"p" * 32)
PHONE_KEY = PHONE.public_key().public_bytes_raw()
LEAVES = [leaf_hash(bytes([number])) for number in range(20)]


def note(size: int, leaves: list[bytes] = LEAVES, key: Ed25519PrivateKey = HOST) -> str:
    root = root_hash(leaves[:size])
    return signed_note(LogCheckpoint(key.public_key().public_bytes_raw(), size, root), key)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "heads", PHONE, lambda: 1_700_000_000.9)


def test_a_key_is_named_as_in_the_published_example_of_a_signed_note() -> None:
    public = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert notes._key_hash("PeterNeumann", public[:1], public[1:]).hex() == "c74f20a3"


@given(st.integers(1, 10**17), st.binary(min_size=32, max_size=32))
def test_a_note_says_what_was_signed(size: int, root: bytes) -> None:
    checkpoint = LogCheckpoint(HOST_KEY, size, root)
    assert LogCheckpoint.read(signed_note(checkpoint, HOST)) == checkpoint
    line = cosigned(checkpoint, PHONE, 17)
    assert check_cosignature(checkpoint, line, PHONE_KEY) == 17
    with pytest.raises(ReceiptError):
        check_cosignature(LogCheckpoint(HOST_KEY, size + 1, root), line, PHONE_KEY)
    with pytest.raises(ReceiptError):
        check_cosignature(checkpoint, line, HOST_KEY)


@given(st.data())
def test_a_note_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    whole = note(7)
    place = data.draw(st.integers(0, len(whole) - 2))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda each: each != whole[place]))
    with pytest.raises(ReceiptError):
        LogCheckpoint.read(whole[:place] + letter + whole[place + 1 :])


@given(st.text(max_size=300))
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(ReceiptError):
        LogCheckpoint.read(text)


def test_a_phone_signs_heads_that_follow_the_one_it_holds(witness: Witness) -> None:
    for old, new in ((0, 3), (3, 3), (3, 8), (8, 20)):
        proof = consistency_proof(LEAVES[:new], old) if old else []
        line = witness.cosign(note(new), proof)
        assert check_cosignature(LogCheckpoint.read(note(new)), line, PHONE_KEY) == 1_700_000_000
        assert witness.held(HOST_KEY) == note(new)


@pytest.mark.parametrize("old", [1, 4, 7, 8])
def test_a_phone_signs_no_head_that_undoes_or_forks_what_it_saw(witness: Witness, old: int) -> None:
    witness.cosign(note(old), [])
    other = [leaf_hash(b"other"), *LEAVES[1:]]
    assert witness.cosign(note(9, other), consistency_proof(other[:9], old)) == ""
    assert witness.cosign(note(9), []) == ""
    if old > 1:
        assert witness.cosign(note(old - 1), consistency_proof(LEAVES[:old], old - 1)) == ""
    assert witness.cosign(note(old, other), []) == ""
    assert witness.held(HOST_KEY) == note(old)


def test_what_a_phone_saw_outlives_its_worker(tmp_path: Path) -> None:
    first = Identity(tmp_path).witness
    assert first.held(HOST_KEY) == ""
    assert first.cosign(note(8), [])
    again = Identity(tmp_path).witness
    assert again.held(HOST_KEY) == note(8)
    assert again.cosign(note(5), []) == ""


def test_a_head_that_its_ledger_did_not_sign_is_not_kept(witness: Witness) -> None:
    forged = note(5).replace("\n5\n", "\n6\n")
    with pytest.raises(ReceiptError):
        witness.cosign(forged, [])
    assert witness.held(HOST_KEY) == ""


def test_heads_of_so_many_ledgers_are_kept_and_no_more(witness: Witness) -> None:
    keys = [Ed25519PrivateKey.generate() for _ in range(MAXIMUM_LEDGERS + 1)]
    for key in keys[:-1]:
        assert witness.cosign(note(1, key=key), [])
    with pytest.raises(IdentityError):
        witness.cosign(note(1, key=keys[-1]), [])
    assert witness.cosign(note(2, key=keys[0]), consistency_proof(LEAVES[:2], 1))
