from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.errors import BadInputError
from app.devices.wireless.paired_phones import FILE_NAME, PairedPhones
from tests.saying import raises_saying


def test_no_phone_is_forgotten_when_many_are_remembered_at_once(tmp_path: Path) -> None:
    guids = [f"adb-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda guid: PairedPhones(tmp_path / "keys").remember(guid), guids))
    assert set(PairedPhones(tmp_path / "keys").addresses()) == set(guids)


def test_the_newest_address_counts_and_only_the_owner_may_read_it(tmp_path: Path) -> None:
    phones = PairedPhones(tmp_path)
    phones.remember("adb-1")
    phones.remember("adb-1", "10.0.0.2:5555")
    assert phones.addresses() == {"adb-1": "10.0.0.2:5555"}
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "[]", '{"adb-1": 3}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with raises_saying(BadInputError, match=f"{FILE_NAME}.*pair again"):
        PairedPhones(tmp_path).remember("adb-1")
