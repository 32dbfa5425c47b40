from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from adb_shell.auth.keygen import encode_pubkey
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from app.core.errors import BadInputError
from app.devices.adb.keys import HostKey, host_key
from tests.saying import raises_saying

MODULUS_BYTE = 100
"""Inside the modulus, where a PKCS #8 file of 2048 bits has it."""


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    made = host_key(tmp_path / "home", tmp_path)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    content = made.path.read_bytes()
    assert host_key(tmp_path / "home", tmp_path).path.read_bytes() == content
    assert list(made.path.parent.iterdir()) == [made.path]


def test_the_users_own_key_is_used_and_left_as_it_is(tmp_path: Path) -> None:
    users = host_key(tmp_path / "elsewhere", tmp_path / "nobody")
    folder = tmp_path / ".android"
    folder.mkdir()
    (folder / "adbkey").write_bytes(users.path.read_bytes())
    before = (folder / "adbkey").stat()
    assert host_key(tmp_path / "home", tmp_path).GetPublicKey() == users.GetPublicKey()
    assert (folder / "adbkey").stat() == before
    assert [entry.name for entry in folder.iterdir()] == ["adbkey"]
    assert not (tmp_path / "home").exists()


def test_the_signature_is_what_a_phone_checks(tmp_path: Path) -> None:
    key = host_key(tmp_path, tmp_path)
    token = bytes(range(20))
    private = serialization.load_pem_private_key(key.path.read_bytes(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    private.public_key().verify(
        key.Sign(token),
        token,
        padding.PKCS1v15(),
        utils.Prehashed(hashes.SHA1()),  # noqa: S303 - ADB
    )
    encoded, _, owner = key.GetPublicKey().partition(b" ")
    assert base64.b64decode(encoded) == encode_pubkey(str(key.path))
    assert owner.startswith(b"shardloom@")


def test_many_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(lambda _: host_key(tmp_path, tmp_path).GetPublicKey(), range(4)))
    assert len(set(keys)) == 1


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_broken_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "adbkey"
    path.write_bytes(content)
    with raises_saying(BadInputError, match="adbkey"):
        HostKey(path)


def test_a_key_whose_signatures_do_not_hold_is_refused(tmp_path: Path) -> None:
    path = host_key(tmp_path, tmp_path).path
    lines = path.read_text().splitlines()
    encoded = bytearray(base64.b64decode("".join(lines[1:-1])))
    encoded[MODULUS_BYTE] ^= 0x10
    text = base64.b64encode(encoded).decode()
    path.write_text("\n".join((lines[0], text, lines[-1], "")))
    with raises_saying(BadInputError, match="signatures do not hold"):
        HostKey(path)
