"""Personas are checked key by key, and every rack that ships with the program is valid."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import BadInputError
from app.virtual.body.body import Body
from app.virtual.body.dumps import battery_dump, condition_files
from app.virtual.body.figures import build_properties, device_name, memory_information
from app.virtual.body.sleep import SleepRules
from app.virtual.persona import Persona, first_personas
from tests.saying import raises_saying

RACKS = Path(__file__).parents[3] / "assets" / "racks"
TABLE: dict[str, Any] = {
    "serial": "TEST-1",
    "name": "Pixel 7 Pro",
    "manufacturer": "Google",
    "android_version": "14",
    "cores": 8,
    "memory_bytes": 8_000_000_000,
}


@pytest.mark.parametrize("path", sorted(RACKS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_rack_in_assets_holds_valid_personas_with_distinct_serials(path: Path) -> None:
    rack = tomllib.loads(path.read_text())
    personas = [Persona.from_table(table, path.name) for table in rack["phones"]]
    assert len({persona.serial for persona in personas}) == len(personas) > 0
    assert rack["use"] in {"all", "best"}
    assert 0 <= rack["audit_rate"] <= 1


def test_a_persona_survives_json() -> None:
    persona = Persona.from_table(TABLE | {"cpu_share": 0.5, "link_latency_ms": 2})
    assert Persona.from_json(persona.to_json()) == persona


def test_an_unknown_key_is_named_with_its_place() -> None:
    with raises_saying(BadInputError, match=r"my\.toml, phone 3: unknown key 'colour'"):
        Persona.from_table(TABLE | {"colour": "red"}, "my.toml, phone 3")


def test_a_missing_key_is_named() -> None:
    table = {key: value for key, value in TABLE.items() if key != "cores"}
    with raises_saying(BadInputError, match="'cores' is missing"):
        Persona.from_table(table)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cores", 0),
        ("cores", True),
        ("cores", 2.5),
        ("cpu_share", 1.5),
        ("cpu_share", "half"),
        ("memory_bytes", -1),
        ("link_mbit_per_second", 0),
        ("link_latency_ms", float("nan")),
        ("battery_percent", 101),
        ("serial", "../../etc"),
        ("serial", ""),
        ("name", "two\nlines"),
        ("name", "a=b"),
        ("accept_keys", "never"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(key: str, value: object) -> None:
    with raises_saying(BadInputError, match=f"'{key}' must be"):
        Persona.from_table(TABLE | {key: value})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"serial": 3}'])
def test_json_that_is_no_persona_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        Persona.from_json(text, "persona.json")


def test_a_rack_larger_than_its_file_cycles_under_new_serials_and_names() -> None:
    personas = [Persona.from_table(TABLE), Persona.from_table(TABLE | {"serial": "TEST-2"})]
    chosen = first_personas(personas, 5)
    assert [persona.serial for persona in chosen] == [
        "TEST-1",
        "TEST-2",
        "TEST-1-2",
        "TEST-2-2",
        "TEST-1-3",
    ]
    assert chosen[2].name == "Pixel 7 Pro (2)"


def test_available_memory_falls_by_what_programs_hold_and_never_below_zero() -> None:
    persona = Persona.from_table(TABLE)

    def available_kib(resident_bytes: int) -> int:
        lines = memory_information(persona, resident_bytes).splitlines()
        return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])

    assert available_kib(0) == persona.programs_bytes // 1024
    assert available_kib(0) - available_kib(1_024_000) == 1000
    assert available_kib(persona.memory_bytes) == 0


def test_properties_and_dumps_say_what_the_persona_is() -> None:
    persona = Persona.from_table(TABLE | {"battery_percent": 41, "temperature_celsius": 36.5})
    properties = build_properties(persona, ("Link: not limited", "Memory: held"))
    assert "ro.build.version.sdk=34\n" in properties
    assert "ro.shardloom.limits=Link: not limited;Memory: held\n" in properties
    assert device_name(persona) == "pixel_7_pro"
    condition = Body(persona, 0.0).advance(0.0, 0.0, SleepRules())
    assert "  level: 41\n" in battery_dump(condition)
    assert "  temperature: 365\n" in battery_dump(condition)


@pytest.mark.parametrize(("release", "service"), [("9", "hardware_properties"), ("10", "thermal")])
def test_heat_is_told_by_the_service_that_its_android_has(release: str, service: str) -> None:
    persona = Persona.from_table(TABLE | {"android_version": release})
    files = condition_files(persona, Body(persona, 0.0).advance(0.0, 0.0, SleepRules()))
    names = [path for path in files if "thermalservice" in path or "hardware" in path]
    assert len(names) == 1
    assert service in names[0]


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("link_loss", "a share from 0 to 0.5"),
        ("abi", "'arm64-v8a' or 'x86_64' or 'armeabi-v7a' or 'x86'"),
        ("emulator", "a path of letters"),
        ("plugged", "true or false"),
        ("heat_time_constant_s", "a number of seconds"),
        ("adbd_restart_every_s", "a number of seconds from 2"),
    ],
)
def test_a_key_of_the_phones_condition_says_what_it_must_be(key: str, wanted: str) -> None:
    with raises_saying(BadInputError, match=f"my.toml: '{key}' must be {wanted}"):
        Persona.from_table(TABLE | {key: "$(reboot)"}, "my.toml")
