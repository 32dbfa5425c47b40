"""How an open rack treats its phones: awake meanwhile, easy to find, started again at need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from devices_rack import until
from rack_support import open_virtual_rack

from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.rack.home import Home
from app.rack.service import RackService

pytestmark = pytest.mark.xdist_group("rack-care")
STAY_AWAKE = "settings-global-stay_on_while_plugged_in"
BRIGHTNESS = "settings-system-screen_brightness"


def setting(home: Path, serial: str, name: str) -> str:
    """Return what is set on a virtual phone, nothing where it was never set."""
    file = Home(home).virtual_phones / serial / "rootfs" / "data" / name
    return file.read_text().strip() if file.exists() else ""


def test_phones_are_awake_while_the_rack_is_open_and_sleep_afterwards(tmp_path: Path) -> None:
    with open_virtual_rack(tmp_path, 2) as rack:
        serials = [phone.serial for phone in rack.snapshot().phones]
        assert [setting(tmp_path, serial, STAY_AWAKE) for serial in serials] == ["7", "7"]
    assert [setting(tmp_path, serial, STAY_AWAKE) for serial in serials] == ["0", "0"]


def test_a_phone_shows_itself(rack: RackService, home_of_rack: Path) -> None:
    serial = rack.snapshot().phones[0].serial
    done = rack.identify(serial)
    until(lambda: setting(home_of_rack, serial, BRIGHTNESS) == "255")
    done.result(20)
    assert setting(home_of_rack, serial, BRIGHTNESS) == ""
    with pytest.raises(BadInputError, match="no phone X"):
        rack.identify(Serial("X")).result(10)


@pytest.fixture(scope="module")
def home_of_rack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def rack(home_of_rack: Path) -> Iterator[RackService]:
    with open_virtual_rack(home_of_rack, 1) as opened:
        yield opened
