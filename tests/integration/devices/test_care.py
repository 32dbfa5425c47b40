"""What is set on a phone for a while, and that it is afterwards as its owner had it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

import psutil
import pytest

from app.core.errors import PhoneLostError
from app.core.identifiers import Serial
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.phone_care import PhoneCare
from app.devices.deployment.phone_scripts import BASE_FOLDER
from app.devices.deployment.runtime_bundle import build_runtime_bundle
from app.devices.links.adb_link import AdbLink
from app.devices.links.tcp_link import connect_tcp
from tests.integration.devices.rack import key, persona, running, until

pytestmark = pytest.mark.usefixtures("patient")
SERIAL = Serial("CARE-1")
STAY_AWAKE = "global stay_on_while_plugged_in"
BRIGHTNESS = ("system screen_brightness_mode", "system screen_brightness")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with running([persona(SERIAL)], tmp_path) as rack:
        yield rack.addresses[0]


@pytest.fixture
def link(address: str, tmp_path: Path) -> Iterator[AdbLink]:
    link = connect_tcp(address, key(tmp_path))
    yield link
    link.close()


@pytest.fixture
def deployer(link: AdbLink) -> Deployer:
    deployer = Deployer(link, SERIAL, build_runtime_bundle())
    deployer.install_runtime()
    return deployer


def setting(link: AdbLink, name: str) -> str:
    return link.shell(f"settings get {name}").stdout.strip()


def as_while_it_works(link: AdbLink) -> bool:
    return [setting(link, name) for name in (STAY_AWAKE, *BRIGHTNESS)] == ["7", "0", "1"]


def keepers(link: AdbLink) -> list[psutil.Process]:
    """Return what runs on the phone to put its settings back, shells and all."""
    folder = link.shell(f"cd {BASE_FOLDER} && pwd -P").stdout.strip()
    return [each for each in psutil.process_iter() if _keeps(each, folder)]


def _keeps(process: psutil.Process, folder: str) -> bool:
    try:
        return process.cwd() == folder and "our_worker" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def test_a_phone_whose_worker_has_ended_puts_back_what_was_set_without_any_host(
    deployer: Deployer, address: str, tmp_path: Path
) -> None:
    wrap_program(tmp_path, "sleep", "exec /bin/sleep 0.1")
    link = connect_tcp(address, key(tmp_path))
    for name, value in zip((STAY_AWAKE, *BRIGHTNESS), ("2", "1", "90"), strict=True):
        link.shell(f"settings put {name} {value}")
    worker = f"setsid sh -c {quote('while :; do /bin/sleep 0.1; done')} worker.json"
    link.shell(f"cd {BASE_FOLDER}; {worker} >/dev/null 2>&1 & echo $! >{BASE_FOLDER}/worker.pid")
    deployer.care.keep_awake()
    link.close()
    link = connect_tcp(address, key(tmp_path))
    for _ in range(20):
        assert as_while_it_works(link)
    deployer.stop()
    until(lambda: setting(link, STAY_AWAKE) == "2")
    assert [setting(link, name) for name in BRIGHTNESS] == ["1", "90"]
    until(lambda: not keepers(link))
    link.close()


def test_one_keeper_is_enough_and_none_is_left_once_the_phone_is_as_before(
    deployer: Deployer, link: AdbLink
) -> None:
    for _ in range(3):
        deployer.care.keep_awake()
    assert len(keepers(link)) == 1
    deployer.care.let_sleep()
    until(lambda: not keepers(link))
    deployer.care.keep_awake()
    deployer.clean()
    until(lambda: not keepers(link))


@pytest.mark.parametrize(("before", "after"), [("0", "0"), ("2", "2"), (None, "0")])
def test_a_phone_stays_awake_while_it_works_and_is_then_as_before(
    deployer: Deployer, link: AdbLink, before: str | None, after: str
) -> None:
    if before is not None:
        link.shell(f"settings put {STAY_AWAKE} {before}")
    deployer.care.keep_awake()
    assert setting(link, STAY_AWAKE) == "7"
    deployer.care.let_sleep()
    assert setting(link, STAY_AWAKE) == after


def test_what_was_set_before_outlives_a_program_that_never_put_it_back(
    deployer: Deployer, link: AdbLink
) -> None:
    link.shell(f"settings put {STAY_AWAKE} 1")
    deployer.care.keep_awake()
    PhoneCare(link, SERIAL).keep_awake()
    PhoneCare(link, SERIAL).let_sleep()
    assert setting(link, STAY_AWAKE) == "1"


@pytest.mark.parametrize(("mode", "level"), [("1", "90"), ("0", "255"), (None, None)])
def test_the_screen_is_dark_while_the_phone_works_and_then_as_bright_as_before(
    deployer: Deployer, link: AdbLink, mode: str | None, level: str | None
) -> None:
    for name, value in zip(BRIGHTNESS, (mode, level), strict=True):
        if value is not None:
            link.shell(f"settings put {name} {value}")
    for _ in range(2):  # the second after a program that never put it back
        deployer.care.keep_awake()
        assert [setting(link, name) for name in BRIGHTNESS] == ["0", "1"]
    deployer.care.let_sleep()
    assert [setting(link, name) for name in BRIGHTNESS] == [mode or "null", level or "null"]
    link.shell("settings put system screen_brightness 31")
    deployer.care.let_sleep()
    assert setting(link, "system screen_brightness") == "31"


def test_a_phone_that_lets_nobody_change_its_brightness_stays_awake_all_the_same(
    deployer: Deployer, link: AdbLink, tmp_path: Path
) -> None:
    wrap_program(tmp_path, "settings", 'case "$2" in system) exit 1;; esac; exec {real} "$@"')
    deployer.care.keep_awake()
    assert setting(link, STAY_AWAKE) == "7"
    deployer.care.let_sleep()
    assert setting(link, STAY_AWAKE) == "0"


def test_cleaning_a_phone_lets_it_sleep_again(deployer: Deployer, link: AdbLink) -> None:
    link.shell(f"settings put {STAY_AWAKE} 4")
    deployer.care.keep_awake()
    deployer.clean()
    assert setting(link, STAY_AWAKE) == "4"


def test_what_the_owner_set_and_we_never_changed_stays(link: AdbLink) -> None:
    link.shell(f"settings put {STAY_AWAKE} 3")
    PhoneCare(link, SERIAL).let_sleep()
    assert setting(link, STAY_AWAKE) == "3"


@pytest.mark.parametrize(("mode", "level"), [("1", "90"), (None, None)])
def test_a_phone_blinks_and_is_then_as_bright_as_before(
    link: AdbLink, tmp_path: Path, mode: str | None, level: str | None
) -> None:
    for name, value in zip(BRIGHTNESS, (mode, level), strict=True):
        if value is not None:
            link.shell(f"settings put {name} {value}")
    calls = tmp_path / "calls"
    wrap_program(tmp_path, "settings", f'echo "$*" >>{calls}; exec {{real}} "$@"')
    PhoneCare(link, SERIAL).identify()
    shown = [call.split()[-1] for call in calls.read_text().splitlines() if call.startswith("put ")]
    assert shown[:7] == ["0", *["255", "5"] * 3]
    assert [setting(link, name) for name in BRIGHTNESS] == [mode or "null", level or "null"]


def test_a_phone_whose_connection_is_cut_while_it_blinks_is_as_bright_as_before(
    link: AdbLink, address: str, tmp_path: Path
) -> None:
    link.shell("settings put system screen_brightness 77")
    resume = tmp_path / "resume"
    wrap_program(tmp_path, "sleep", f"until [ -e {resume} ]; do /bin/sleep 0.02; done")
    other = connect_tcp(address, key(tmp_path))
    lost: list[PhoneLostError] = []
    blinking = threading.Thread(target=blink_until_lost, args=(other, lost))
    blinking.start()
    until(lambda: setting(link, "system screen_brightness") == "255")
    other.close()
    blinking.join()
    assert lost
    resume.touch()
    until(lambda: setting(link, "system screen_brightness") == "77")
    until(lambda: setting(link, "system screen_brightness_mode") == "null")


def wrap_program(folder: Path, name: str, script: str) -> None:
    """Put a script before one of the phone's programs, which it may call as `{real}`."""
    programs = folder / "phones" / SERIAL / "rootfs/system/bin"
    real = programs / f"real-{name}"
    if (programs / name).exists():
        (programs / name).rename(real)
    wrapped = programs / name
    wrapped.write_text(f"#!/bin/sh\n{script.format(real=real)}\n")
    wrapped.chmod(0o755)


def blink_until_lost(link: AdbLink, lost: list[PhoneLostError]) -> None:
    try:
        PhoneCare(link, SERIAL).identify()
    except PhoneLostError as error:
        lost.append(error)
