"""Every way a virtual phone can be, seen over ADB as a real phone's would be."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from app.core.device import DeviceState
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.core.identifiers import Serial
from app.core.vitals import Charging, DeviceVitals, Doze, Throttling, WifiLink
from app.devices.condition.vitals import VitalsReader
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.runtime_bundle import build_runtime_bundle
from app.devices.discovery.discovery import Discovery
from app.devices.discovery.found_phone import FoundPhone
from app.devices.errors import PhoneBusyError
from app.devices.links.adb_link import AdbLink
from app.devices.links.tcp_link import connect_tcp
from app.rack.phones.rack_file import RackDefinition
from app.virtual.disturbance import Disturbance
from app.virtual.rack import VirtualRack
from app.words.sentences import reason_text
from tests.integration.devices.rack import key, persona, running, until
from tests.integration.worker_runtime.support import qemu
from tests.saying import raises_saying

pytestmark = pytest.mark.usefixtures("patient")
SERIAL = "LIVE-1"
AS_IT_BEGAN = {"battery_watt_hours": 1000, "heat_time_constant_s": 100_000}
"""A phone whose battery and warmth hardly change, however long a test takes."""
SPIN = "while :; do :; done"
USED_IN_A_SECOND = (
    "import time; end = time.monotonic() + 1.0\n"
    "while time.monotonic() < end: pass\n"
    "print(time.process_time())"
)


@contextmanager
def living(folder: Path, **changes: object) -> Iterator[tuple[VirtualRack, AdbLink]]:
    with running([persona(SERIAL, **changes)], folder) as rack:
        link = connect_tcp(rack.addresses[0], key(folder))
        try:
            yield rack, link
        finally:
            link.close()


def launched(link: AdbLink, script: str) -> int:
    """Start a script as the host starts its worker; return its process number."""
    command = f"trap '' HUP; setsid sh -c '{script}' </dev/null >/dev/null 2>&1 & echo $!"
    return int(link.shell(command).stdout)


def state_of(link: AdbLink, process: int) -> str:
    return link.shell(f"sed -n 's/^State:[[:space:]]*//p' /proc/{process}/status").stdout[:1]


def vitals(link: AdbLink) -> DeviceVitals:
    return VitalsReader(link).read()


def found(folder: Path, address: str) -> Iterator[FoundPhone]:
    """Yield how discovery finds the phone, again and again."""
    definition = RackDefinition("test", False, 0.1, addresses=(address,))
    discovery = Discovery(definition, key(folder))
    try:
        while True:
            yield discovery.poll()[0]
    finally:
        discovery.close()


def test_a_phone_at_rest_tells_all_its_vitals(tmp_path: Path) -> None:
    shown = {"battery_percent": 61, "link_mbit_per_second": 120, **AS_IT_BEGAN}
    with living(tmp_path, **shown) as (_, link):
        told = vitals(link)
    assert (told.battery_percent, told.charging) == (61, Charging.CHARGING)
    assert told.battery_current_ma is not None
    assert told.battery_current_ma > 0
    assert (told.temperature_celsius, told.throttling) == (30.0, Throttling.NONE)
    assert len(told.core_frequencies_mhz) == 4
    assert told.wifi == WifiLink(120, -50)
    assert (told.doze, told.screen_on) == (Doze.AWAKE, True)


@pytest.mark.parametrize("release", ["9", "10", "15"])
def test_an_older_android_tells_heat_and_wifi_its_own_way(tmp_path: Path, release: str) -> None:
    shown = {"android_version": release, "temperature_celsius": 37.5, **AS_IT_BEGAN}
    with living(tmp_path, **shown) as (_, link):
        told = vitals(link)
    assert told.temperature_celsius == 37.5
    assert told.throttling is (None if release == "9" else Throttling.NONE)
    assert told.wifi == WifiLink(866, -50)


def test_work_loads_warms_and_throttles_a_phone_and_rest_cools_it(tmp_path: Path) -> None:
    quick = {"heat_time_constant_s": 0.5, "heat_celsius_per_watt": 8, "throttles": True}
    with living(tmp_path, cpu_share=0.3, **quick) as (_, link):
        reader = VitalsReader(link)
        reader.read()
        process = launched(link, SPIN)
        until(lambda: reader.read().throttling not in {None, Throttling.NONE})
        until(lambda: (reader.read().processor_load or 0) > 0.1)
        link.shell(f"kill -9 {process}")
        until(lambda: reader.read().throttling is Throttling.NONE)


def test_heat_really_takes_the_processor_away(tmp_path: Path) -> None:
    slow_to_cool = {"heat_time_constant_s": 100_000, "throttles": True}
    with living(tmp_path, **slow_to_cool) as (rack, link):
        assert "Heat: slows it in steps" in link.shell("getprop ro.shardloom.limits").stdout
        rack.heat(SERIAL, 46.6)
        until(lambda: vitals(link).throttling is Throttling.CRITICAL)
        until(lambda: 0 < used_in_a_second(link) < 0.25 * 2)
        assert set(vitals(link).core_frequencies_mhz) <= set(range(100, 701))


def used_in_a_second(link: AdbLink) -> float:
    """Return the processor time a busy program gets; more, now and then, on a crowded machine."""
    return float(link.shell(f"python3 -c '{USED_IN_A_SECOND}'", 60).stdout)


def test_an_unplugged_battery_drains_with_work_and_charges_again(tmp_path: Path) -> None:
    with living(tmp_path, battery_watt_hours=0.05, battery_percent=90) as (rack, link):
        assert vitals(link).charging is Charging.CHARGING
        process = launched(link, SPIN)
        rack.disturb(SERIAL, Disturbance.UNPLUG)
        until(lambda: vitals(link).charging is Charging.DISCHARGING)
        until(lambda: (vitals(link).battery_percent or 0) < 88)
        link.shell(f"kill -9 {process}")
        rack.disturb(SERIAL, Disturbance.PLUG)
        until(lambda: vitals(link).charging in {Charging.CHARGING, Charging.FULL})


def test_a_phone_with_an_empty_battery_is_off(tmp_path: Path) -> None:
    nearly_empty = persona(SERIAL, battery_watt_hours=0.01, battery_percent=2, plugged=False)
    with running([nearly_empty], tmp_path) as rack:
        until(lambda: is_off(rack))
        assert "The battery is empty" in (tmp_path / "phones" / SERIAL / "phone.log").read_text()


def is_off(rack: VirtualRack) -> bool:
    try:
        rack.disturb(SERIAL, Disturbance.UNPLUG)
    except PhoneLostError:
        return True
    return False


def test_deep_doze_stops_a_worker_and_not_a_command(tmp_path: Path) -> None:
    with living(tmp_path, plugged=False, screen_off_after_s=0) as (_, link):
        process = launched(link, "while :; do sleep 0.05; done")
        until(lambda: state_of(link, process) in {"S", "R"})
        link.shell("dumpsys deviceidle force-idle")
        until(lambda: vitals(link).doze is Doze.DEEP)
        until(lambda: state_of(link, process) == "T")
        assert link.shell("echo still here").stdout == "still here\n"
        link.shell("cmd deviceidle unforce; dumpsys deviceidle disable")
        until(lambda: state_of(link, process) in {"S", "R"})
        assert vitals(link).doze is Doze.AWAKE


def test_a_phone_without_a_charger_falls_asleep_by_itself(tmp_path: Path) -> None:
    asleep_soon = {"plugged": False, "screen_off_after_s": 0, "doze_after_s": 0.1}
    with living(tmp_path, **asleep_soon) as (_, link):
        until(lambda: vitals(link).doze is Doze.DEEP)
        assert vitals(link).screen_on is False
        limits = link.shell("getprop ro.shardloom.limits").stdout
        assert "delivery at beacons in doze" in limits
        assert "deep doze stops its background programs" in limits


def test_stay_awake_keeps_the_screen_on_and_a_key_wakes_it(tmp_path: Path) -> None:
    with living(tmp_path, screen_off_after_s=0.5) as (_, link):
        until(lambda: vitals(link).screen_on is False)
        link.shell("svc power stayon true")
        until(lambda: vitals(link).screen_on is True)
        link.shell("svc power stayon false; input keyevent KEYCODE_SLEEP")
        until(lambda: vitals(link).screen_on is False)


def test_an_adbd_restart_drops_the_session_and_leaves_a_launched_worker(tmp_path: Path) -> None:
    with living(tmp_path) as (rack, link):
        process = launched(link, "sleep 600")
        rack.disturb(SERIAL, Disturbance.ADBD_RESTART)
        until(lambda: is_cut(link))
        again = reconnected(rack, tmp_path)
        until(lambda: state_of(again, process) in {"S", "R"})
        again.close()


def test_an_adbd_restart_may_take_the_worker_with_it(tmp_path: Path) -> None:
    with living(tmp_path, adbd_restart_ends_programs=True) as (rack, link):
        process = launched(link, "sleep 600")
        rack.disturb(SERIAL, Disturbance.ADBD_RESTART)
        until(lambda: is_cut(link))
        again = reconnected(rack, tmp_path)
        assert state_of(again, process) == ""
        again.close()


def test_an_adbd_may_restart_again_and_again(tmp_path: Path) -> None:
    with running([persona(SERIAL, adbd_restart_every_s=2)], tmp_path) as rack:
        for _ in range(2):
            link = reconnected(rack, tmp_path)
            until(partial(is_cut, link))
            link.close()


def is_cut(link: AdbLink) -> bool:
    try:
        link.shell("true")
    except PhoneLostError:
        return True
    return False


def reconnected(rack: VirtualRack, folder: Path) -> AdbLink:
    links: list[AdbLink] = []

    def connects() -> bool:
        try:
            links.append(connect_tcp(rack.addresses[0], key(folder)))
        except ShardloomError:
            return False
        return True

    until(connects)
    return links[-1]


def test_a_busy_phone_says_so_until_it_is_given_back(tmp_path: Path) -> None:
    with running([persona(SERIAL, busy=True)], tmp_path) as rack:
        with raises_saying(PhoneBusyError, match="another computer or program has this phone"):
            connect_tcp(rack.addresses[0], key(tmp_path))
        looks = found(tmp_path, rack.addresses[0])
        until(lambda: next(looks).state is DeviceState.BUSY)
        rack.disturb(SERIAL, Disturbance.GIVE_BACK)
        until(lambda: next(looks).state is DeviceState.FOUND)
        rack.disturb(SERIAL, Disturbance.TAKE)
        until(lambda: next(looks).state is DeviceState.BUSY)
        looks.close()  # type: ignore[attr-defined]


def test_a_32_bit_persona_is_told_why_it_cannot_work(tmp_path: Path) -> None:
    with running([persona(SERIAL, abi="armeabi-v7a")], tmp_path) as rack:
        looks = found(tmp_path, rack.addresses[0])
        reason = "32-bit system (armeabi-v7a)"
        until(
            lambda: (
                (now := next(looks)).state is DeviceState.UNSUITABLE
                and reason in reason_text(now.reason)
            )
        )
        looks.close()  # type: ignore[attr-defined]


def test_a_phone_without_python_needs_a_runtime_of_ours(tmp_path: Path) -> None:
    with living(tmp_path, python=False) as (_, link):
        assert link.shell("command -v python3; command -v perl").exit_code != 0
        assert link.shell("printf 'b\\na\\n' | sort | head -n 1").stdout == "a\n"
        assert vitals(link).doze is Doze.AWAKE
        deployer = Deployer(link, Serial(SERIAL), build_runtime_bundle(), lambda _abi: None)
        with raises_saying(WorkerError, match="has no Python, and no runtime for it is here"):
            deployer.install_runtime()


def test_a_foreign_persona_runs_programs_of_its_own_processor(tmp_path: Path) -> None:
    emulator = qemu("qemu-aarch64")
    program = tmp_path / "hello"
    program.write_bytes(arm64_program(b"hello from arm64\n"))
    with living(tmp_path, abi="arm64-v8a", emulator=str(emulator)) as (_, link):
        line = next(each for each in limits(link) if each.startswith("Programs"))
        if "run by" not in line:
            pytest.skip(f"NOT PROVEN HERE: {line}")
        assert link.shell("getprop ro.product.cpu.abi").stdout == "arm64-v8a\n"
        assert link.shell("command -v python3").exit_code != 0
        link.push(program, "/data/local/tmp/hello", 0o755)
        assert link.shell("/data/local/tmp/hello").stdout == "hello from arm64\n"


def test_a_foreign_persona_without_an_emulator_says_what_is_missing(tmp_path: Path) -> None:
    with living(tmp_path, abi="arm64-v8a", emulator="/no/such/qemu") as (_, link):
        assert any("cannot run on this machine" in line for line in limits(link))


def limits(link: AdbLink) -> list[str]:
    return link.shell("getprop ro.shardloom.limits").stdout.strip().split(";")


def arm64_program(text: bytes) -> bytes:
    """Return an ELF file of eight instructions: write the text to standard output, then exit."""
    base, headers, code_bytes = 0x400000, 64 + 56, 8 * 4
    code = struct.pack(
        "<8I",
        0xD2800020,  # mov x0, #1
        0x10000000 | (7 << 5) | 1,  # adr x1, text: seven instructions on
        0xD2800002 | (len(text) << 5),  # mov x2, #length
        0xD2800808,  # mov x8, #64 (write)
        0xD4000001,  # svc #0
        0xD2800000,  # mov x0, #0
        0xD2800BA8,  # mov x8, #93 (exit)
        0xD4000001,  # svc #0
    )
    size_bytes = headers + code_bytes + len(text)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    elf = struct.pack(
        "<16sHHIQQQIHHHHHH", identity, 2, 0xB7, 1, base + headers, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size_bytes, size_bytes, 0x1000)
    return elf + segment + code + text


def test_a_lossy_link_delivers_everything_and_costs_time(tmp_path: Path) -> None:
    content = bytes(range(256)) * 200
    (tmp_path / "sent").write_bytes(content)
    with living(tmp_path, link_loss=0.1) as (_, link):
        assert "10 % of segments sent again" in link.shell("getprop ro.shardloom.limits").stdout
        began_s = time.monotonic()
        link.push(tmp_path / "sent", "/data/local/tmp/file")
        link.pull("/data/local/tmp/file", tmp_path / "back")
        assert time.monotonic() - began_s >= 0.2
    assert (tmp_path / "back").read_bytes() == content
