"""A phone's key, and what it remembers of what it signed."""

from __future__ import annotations

import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.saying import raises_telling
from tests.unit.workers.test_receipts import BODY
from workers.errors import IdentityError, RequestRefusedError
from workers.identity import signed_log
from workers.identity.identity import (
    KEY_FILE,
    OLD_SEQUENCE_FILE,
    SIGNED_FILE,
    Identity,
    verify_hello,
)
from workers.identity.receipts import ReceiptBody, verify_receipt
from workers.identity.signed_log import SignedLog

HOST = bytes(range(32))


def signed(identity: Identity, transaction: str) -> ReceiptBody:
    data, signature = identity.sign(replace(BODY, transaction=transaction))
    return verify_receipt(data, signature, identity.public_key)


def test_the_key_is_private_and_stays_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    first = Identity(folder)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / SIGNED_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert Identity(folder).public_key == first.public_key
    assert Identity(tmp_path / "other").public_key != first.public_key


def test_each_receipt_names_the_one_before_across_restarts(tmp_path: Path) -> None:
    bodies, previous = [], ""
    for number in range(1, 4):
        data, _ = Identity(tmp_path).sign(replace(BODY, transaction=f"t-{number}"))
        bodies.append((number, previous))
        assert f'"previous":"{previous}"' in data.decode()
        assert f'"sequence":{number},' in data.decode()
        previous = hashlib.sha256(data).hexdigest()
    assert len({previous for _, previous in bodies}) == 3


def test_no_id_is_signed_twice_nor_after_a_restart(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    signed(identity, "t-1")
    for again in (identity, Identity(tmp_path)):
        assert again.has_signed("t-1")
        assert not again.has_signed("t-2")
        with raises_telling(RequestRefusedError, match="signed for the transaction t-1 before"):
            signed(again, "t-1")
    assert signed(Identity(tmp_path), "t-2").sequence == 2


def test_what_is_signed_is_on_the_disk_before(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    (tmp_path / SIGNED_FILE).unlink()
    with raises_telling(IdentityError, match="lost its receipt number"):
        signed(identity, "t-1")


def test_two_workers_on_one_folder_never_share_a_number(tmp_path: Path) -> None:
    identities = [Identity(tmp_path) for _ in range(4)]

    def sign(turn: int) -> int:
        while True:
            try:
                return signed(identities[turn % 4], f"t-{turn}").sequence
            except IdentityError:
                continue

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(sign, range(80)))
    assert sorted(numbers) == list(range(1, 81))


@pytest.mark.parametrize("torn_bytes", [1, 4, 30, 59])
def test_a_line_that_a_power_cut_tore_counts_for_nothing(tmp_path: Path, torn_bytes: int) -> None:
    identity = Identity(tmp_path)
    first = signed(identity, "t-1")
    signed(identity, "t-2")
    log = tmp_path / SIGNED_FILE
    log.write_bytes(log.read_bytes()[:-torn_bytes])
    again = Identity(tmp_path)
    assert (again.has_signed("t-1"), again.has_signed("t-2")) == (True, False)
    assert signed(again, "t-3").sequence == first.sequence + 1
    assert signed(Identity(tmp_path), "t-4").sequence == first.sequence + 2


@pytest.mark.parametrize("place", [0, 30, 59, 60, 100])
def test_damage_within_is_refused_rather_than_signed_over(tmp_path: Path, place: int) -> None:
    identity = Identity(tmp_path)
    for number in range(3):
        signed(identity, f"t-{number}")
    log = tmp_path / SIGNED_FILE
    content = bytearray(log.read_bytes())
    content[place] ^= 1
    log.write_bytes(content)
    with raises_telling(IdentityError, match="damaged"):
        signed(Identity(tmp_path), "t-9")


def test_old_ids_are_forgotten_before_the_log_grows_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_log, "MOST_REMEMBERED", 4)
    identity = Identity(tmp_path)
    for number in range(20):
        assert signed(identity, f"t-{number}").sequence == number + 1
        assert (tmp_path / SIGNED_FILE).stat().st_size <= 9 * 60
        assert identity.has_signed(f"t-{number}")
        assert Identity(tmp_path).has_signed(f"t-{max(number - 3, 0)}")
    assert not Identity(tmp_path).has_signed("t-0")


def test_a_phone_of_an_older_protocol_goes_on_counting(tmp_path: Path) -> None:
    Identity(tmp_path)
    (tmp_path / SIGNED_FILE).unlink()
    (tmp_path / OLD_SEQUENCE_FILE).write_text(f"{41:020d}\n")
    body = signed(Identity(tmp_path), "t-1")
    assert (body.sequence, body.previous) == (42, "")
    assert not (tmp_path / OLD_SEQUENCE_FILE).exists()


@pytest.mark.parametrize("content", ["", "-4", "seven"])
def test_an_old_number_that_is_damaged_is_refused(tmp_path: Path, content: str) -> None:
    Identity(tmp_path)
    (tmp_path / SIGNED_FILE).unlink()
    (tmp_path / OLD_SEQUENCE_FILE).write_text(content)
    with raises_telling(IdentityError, match="damaged"):
        Identity(tmp_path)


def test_a_key_without_its_log_or_damaged_is_refused(tmp_path: Path) -> None:
    Identity(tmp_path)
    (tmp_path / SIGNED_FILE).unlink()
    with raises_telling(IdentityError, match="lost its receipt number"):
        Identity(tmp_path)
    (tmp_path / SIGNED_FILE).write_bytes(SignedLog.beginning(5))
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with raises_telling(IdentityError, match="damaged"):
        Identity(tmp_path)


def test_a_proof_fits_one_nonce_key_serial_connection_and_host(tmp_path: Path) -> None:
    identity, other = Identity(tmp_path / "a"), Identity(tmp_path / "b")
    proof = identity.prove(bytes(32), "A", "key", HOST)
    key, nonce = identity.public_key, bytes(32)
    assert verify_hello(key, nonce, "A", "key", HOST, proof)
    assert not verify_hello(other.public_key, nonce, "A", "key", HOST, proof)
    assert not verify_hello(key, bytes(31) + b"\1", "A", "key", HOST, proof)
    assert not verify_hello(key, nonce, "B", "key", HOST, proof)
    assert not verify_hello(key, nonce, "A", "other", HOST, proof)
    assert not verify_hello(key, nonce, "A", "key", bytes(32), proof)
    assert not verify_hello((1).to_bytes(32, "little"), nonce, "A", "key", HOST, proof)
