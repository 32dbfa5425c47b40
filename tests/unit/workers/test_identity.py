from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.saying import raises_telling
from workers.errors import IdentityError
from workers.identity.identity import KEY_FILE, SEQUENCE_FILE, Identity, verify_hello


def test_the_key_is_private_and_stays_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    first = Identity(folder)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert Identity(folder).public_key == first.public_key
    assert Identity(tmp_path / "other").public_key != first.public_key


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    assert [Identity(tmp_path).next_sequence() for _ in range(3)] == [1, 2, 3]


def test_two_workers_on_one_folder_never_share_a_number(tmp_path: Path) -> None:
    identities = [Identity(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda turn: identities[turn % 4].next_sequence(), range(80)))
    assert sorted(numbers) == list(range(1, 81))


@pytest.mark.parametrize("content", ["", "-4", "seven"])
def test_a_damaged_number_is_refused_rather_than_repeated(tmp_path: Path, content: str) -> None:
    identity = Identity(tmp_path)
    (tmp_path / SEQUENCE_FILE).write_text(content)
    with raises_telling(IdentityError, match="damaged"):
        identity.next_sequence()


def test_a_key_without_its_number_or_damaged_is_refused(tmp_path: Path) -> None:
    Identity(tmp_path)
    (tmp_path / SEQUENCE_FILE).unlink()
    with raises_telling(IdentityError, match="lost its receipt number"):
        Identity(tmp_path)
    (tmp_path / SEQUENCE_FILE).write_text("5")
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with raises_telling(IdentityError, match="damaged"):
        Identity(tmp_path)


def test_a_proof_fits_one_nonce_and_one_key(tmp_path: Path) -> None:
    identity, other = Identity(tmp_path / "a"), Identity(tmp_path / "b")
    nonce = bytes(32)
    proof = identity.prove(nonce)
    assert verify_hello(identity.public_key, nonce, proof)
    assert not verify_hello(identity.public_key, bytes(31) + b"\1", proof)
    assert not verify_hello(other.public_key, nonce, proof)
    assert not verify_hello((1).to_bytes(32, "little"), nonce, proof)
