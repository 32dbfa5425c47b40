from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.core.device import KnownPhone
from app.core.errors import BadInputError
from app.devices.discovery.phone_sources import Reach
from app.placement.conditions import Conditions
from app.rack.phones.rack_file import load_rack
from app.words.sentences import error_text
from tests.saying import raises_saying

RACKS = Path(__file__).parents[4] / "assets" / "racks"
PHONE = """
[[phones]]
serial = "S1"
name = "Phone"
manufacturer = "Maker"
android_version = "14"
cores = 8
memory_bytes = 4_000_000_000
"""


def write(folder: Path, text: str) -> str:
    path = folder / "demo.toml"
    path.write_text(text)
    return str(path)


def test_virtual_n_cycles_under_new_serials_and_uses_every_phone() -> None:
    rack = load_rack("virtual:15", RACKS)
    assert rack.use_all
    assert rack.audit_rate == 1.0
    assert len({persona.serial for persona in rack.personas}) == 15
    assert rack.personas[:4] == load_rack("virtual:4", RACKS).personas


@pytest.mark.parametrize("text", ["virtual:0", "virtual:x", "virtual:", "virtual:9999"])
def test_virtual_needs_a_sensible_number(text: str) -> None:
    with raises_saying(BadInputError, match="whole number from 1"):
        load_rack(text, RACKS)


@pytest.mark.parametrize("file", sorted(RACKS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_rack_in_the_assets_loads_by_name_and_by_path(file: Path) -> None:
    rack = load_rack(file.stem, RACKS)
    assert rack == load_rack(str(file), RACKS)
    assert rack.personas or rack.servers


def test_the_wall_is_64_phones_of_which_few_work_at_a_time() -> None:
    rack = load_rack("wall-of-64", RACKS)
    assert len({persona.serial for persona in rack.personas}) == 64
    assert rack.workers == 8


@pytest.mark.parametrize("key", ["count", "workers"])
@pytest.mark.parametrize("value", ["0", "65", "true", "2.5", '"8"'])
def test_numbers_of_phones_are_whole_and_sensible(tmp_path: Path, key: str, value: str) -> None:
    with raises_saying(BadInputError, match=f"demo.toml: '{key}' must be a whole number from 1"):
        load_rack(write(tmp_path, f"{key} = {value}\n{PHONE}"), RACKS)


def test_a_count_without_phones_is_refused(tmp_path: Path) -> None:
    with raises_saying(BadInputError, match="'count' needs at least one"):
        load_rack(write(tmp_path, "count = 3\n"), RACKS)


def test_adb_servers_are_named_whole_or_by_reach() -> None:
    assert load_rack("server:rack-host:5037", RACKS).servers == (("rack-host", 5037),)
    assert load_rack("usb", RACKS).reach is Reach.USB
    assert load_rack("wifi", RACKS).reach is Reach.WIFI
    assert load_rack("wifi", RACKS).network
    assert not load_rack("usb", RACKS).network
    assert load_rack(None, RACKS).servers == (("127.0.0.1", 5037),)


def test_many_servers_and_addresses_are_one_rack() -> None:
    rack = load_rack("server:one:5037, server:[::1]:5038,10.0.0.2:5555", RACKS)
    assert rack.servers == (("one", 5037), ("::1", 5038))
    assert rack.addresses == ("10.0.0.2:5555",)
    with raises_saying(BadInputError, match="'usb' is not an address"):
        load_rack("server:one:5037,usb", RACKS)


def test_an_address_is_a_rack_of_one_phone() -> None:
    assert load_rack("192.168.1.7:5555", RACKS).addresses == ("192.168.1.7:5555",)
    assert load_rack("[::1]:5555", RACKS).addresses == ("[::1]:5555",)


def test_a_file_may_list_servers_and_addresses(tmp_path: Path) -> None:
    text = 'use = "best"\naddresses = ["10.0.0.2:5555"]\n[[servers]]\nhost = "a"\nport = 5037\n'
    rack = load_rack(write(tmp_path, text), RACKS)
    assert (rack.name, rack.use_all) == ("demo", False)
    assert rack.servers == (("a", 5037),)
    assert rack.addresses == ("10.0.0.2:5555",)


def test_a_file_may_ask_something_of_every_plan(tmp_path: Path) -> None:
    asked = 'excluded = ["S3"]\ntrusted = ["Phone"]\nprivate = true\nleast_reputation = 0.5\n'
    asked += "least_battery_percent = 20\nmost_celsius = 41\n"
    rack = load_rack(write(tmp_path, asked + PHONE), RACKS)
    assert rack.conditions == Conditions(
        frozenset({"S3"}),
        frozenset({"Phone"}),
        private=True,
        least_reputation=0.5,
        least_battery_percent=20,
        most_celsius=41.0,
    )
    assert load_rack(write(tmp_path, PHONE), RACKS).conditions == Conditions()


def test_a_file_may_name_phones_and_say_what_memory_layers_take(tmp_path: Path) -> None:
    known = (
        '[[known]]\nphone = "0123456789ABCDEF@usb:1-2"\nname = "left"\n'
        '[[known]]\nphone = "S1"\nmemory_share = 1\n'
    )
    assert load_rack(write(tmp_path, known), RACKS).known == (
        KnownPhone("0123456789ABCDEF@usb:1-2", "left"),
        KnownPhone("S1", None, 1.0),
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[[known]]\nname = "left"', "'known[1].phone' must be"),
        ('[[known]]\nphone = "S1"\nname = 7', "'known[1].name' must be"),
        ('[[known]]\nphone = "S1"\nmemory = 1', "unknown key 'memory' in known[1]."),
        *(
            (f'[[known]]\nphone = "S1"\nmemory_share = {share}', "'known[1].memory_share' is a")
            for share in ("0", "-0.5", "2.5", "nan", "true", '"all"')
        ),
        (PHONE + PHONE.replace("memory_bytes", "memroy"), "unknown key 'memroy' in phones[2]."),
        ("speed = 3", "unknown key 'speed'."),
        ('[[servers]]\nhost = "a"\nprot = 1', "unknown key 'prot' in servers[1]."),
        ("[[servers]]\nport = 1", "'host' or 'port' is missing or wrong in servers[1]."),
        (PHONE.replace("cores = 8", "cores = 0"), "phones[1]: 'cores' must be"),
        (PHONE.replace('name = "Phone"\n', ""), "phones[1]: 'name' is missing."),
        (PHONE + PHONE, "two phones have the serial 'S1'."),
        ('use = "some"', '\'use\' must be "all" or "best".'),
        ('balancing = "sometimes"', '\'balancing\' must be "off", "ask" or "on".'),
        ("balancing = true", '\'balancing\' must be "off", "ask" or "on".'),
        ("pause_limit_s = -1", "'pause_limit_s' must be seconds from 0 to 604800."),
        ("pause_limit_s = nan", "'pause_limit_s' must be seconds from 0 to 604800."),
        ("pause_limit_s = true", "'pause_limit_s' must be seconds from 0 to 604800."),
        ("audit_rate = 2", "'audit_rate' must be a number from 0 to 1."),
        ("audit_rate = true", "'audit_rate' must be a number from 0 to 1."),
        ("least_reputation = 1.5", "'least_reputation' must be a number from 0 to 1."),
        ("least_battery_percent = 101", "'least_battery_percent' must be a whole number from"),
        ("least_battery_percent = true", "'least_battery_percent' must be a whole number from"),
        ("most_token_ms = 1" + 400 * "0", "'most_token_ms' must be a number above 0."),
        ("least_tokens_per_second = nan", "'least_tokens_per_second' must be a number above 0."),
        ("most_celsius = nan", "'most_celsius' must be a number from 20 to 60."),
        ("most_celsius = 0", "'most_celsius' must be a number from 20 to 60."),
        ("private = 1", "'private' must be true or false."),
        ('excluded = "S1"', "'excluded' must be a list of phones' names or serials."),
        ('trusted = [""]', "'trusted' must be a list of phones' names or serials."),
        ("phones = 3", "'phones' must be written as [[phones]] tables."),
        ('addresses = ["nonsense"]', "'nonsense' is not an address"),
        ("use = \n", "line 1"),
    ],
)
def test_a_bad_file_gets_one_line_that_names_file_key_and_place(
    tmp_path: Path, text: str, line: str
) -> None:
    with raises_saying(BadInputError, match=re.escape(line)) as caught:
        load_rack(write(tmp_path, text), RACKS)
    assert "\n" not in error_text(caught.value)


@pytest.mark.parametrize("text", ["nonsense", "../demo", "nowhere.toml", "host:port", "a:0", ""])
def test_an_unknown_rack_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        load_rack(text, RACKS)
