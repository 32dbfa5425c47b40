"""What an operator says of phones beforehand: what they are called, what memory layers may take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.core.device import MEMORY_SHARE
from app.rack.commands import SetMemoryShare
from app.rack.options import RackOptions
from app.rack.snapshot import PhoneSnapshot
from tests.integration.devices.rack import persona, running
from tests.integration.rack.support import PATIENCE, open_rack_of

pytestmark = pytest.mark.timeout(300)


def test_a_rack_file_names_phones_and_the_terminal_gives_one_more_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running([persona("SAME-1"), persona("SAME-2")], tmp_path) as phones:
        file = tmp_path / "shelf.toml"
        file.write_text(
            f"addresses = {json.dumps(list(phones.addresses))}\n"
            '[[known]]\nphone = "SAME-1"\nname = "left"\nmemory_share = 0.5\n'
            '[[known]]\nphone = "SAME-2"\nname = "right"\n'
        )
        asked = ("devices", "--json", "--rack", str(file), "--patience", "5")
        home = ("--home", str(tmp_path / "home"))
        assert main([*asked, *home, "--memory-share", "right=1.5"]) == 0
    told = {each["serial"]: each for each in json.loads(capsys.readouterr().out)["devices"]}
    assert {serial: each["name"] for serial, each in told.items()} == {
        "SAME-1": "left",
        "SAME-2": "right",
    }
    shares = {
        each["name"]: each["memory_budget_bytes"] / each["memory_available_bytes"]
        for each in told.values()
    }
    assert shares == {"left": pytest.approx(0.5), "right": pytest.approx(1.5)}


def test_a_share_counts_from_the_next_plan_on(tmp_path: Path) -> None:
    with running([persona("ROOMY-1")], tmp_path) as phones:
        options = RackOptions(tmp_path / "home", phones.addresses[0], patience=PATIENCE)
        with open_rack_of(options) as rack:
            (before,) = rack.snapshot().phones
            rack.do(SetMemoryShare(before.serial, 0.25)).result(60)
            (after,) = rack.snapshot().phones
    assert [share_of(before), share_of(after)] == [pytest.approx(MEMORY_SHARE), pytest.approx(0.25)]


def share_of(phone: PhoneSnapshot) -> float:
    assert phone.profile is not None
    assert phone.vitals is not None
    return phone.profile.memory_budget_bytes / phone.vitals.memory_available_bytes
