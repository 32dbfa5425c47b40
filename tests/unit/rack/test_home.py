"""The state folder: private keys stay private, one rack at a time."""

from pathlib import Path

import pytest

from app.core.errors import BadInputError
from app.rack.home import Home, HomeLock
from app.words.sentences import error_text
from tests.saying import raises_saying


def test_the_keys_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    assert home.keys.stat().st_mode & 0o777 == 0o700


def test_a_second_rack_on_the_same_home_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    first, second = HomeLock(home), HomeLock(home)
    first.acquire()
    with raises_saying(BadInputError, match="Another Shardloom"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_home_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BadInputError) as caught:
        Home(tmp_path / "file" / "home").prepare()
    assert "\n" not in error_text(caught.value)
