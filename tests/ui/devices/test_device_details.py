from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from pytestqt.qtbot import QtBot

from app.core.device import DeviceState, LinkProfile, Route
from app.core.facts import Fact
from app.core.identifiers import HOST, Serial
from app.core.vitals import Charging, DeviceVitals, Doze, Throttling, WifiLink
from app.rack.snapshot import LinkSnapshot, PhoneSnapshot
from app.ui.devices.devices_panel import DevicesPanel
from app.ui.window.main_window import MainWindow
from app.words.phones.facts import PhoneFact, Said, advice, age_words, data_fact, facts_of
from app.words.phones.rows import vitals_text
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish

BARE = DeviceVitals(None, None, 8 * 10**9, 2 * 10**9)
NOW_S = 1000.0
"""What the scripted rack calls now."""
FULL = DeviceVitals(
    9,
    47.4,
    8 * 10**9,
    2 * 10**9,
    charging=Charging.DISCHARGING,
    throttling=Throttling.SEVERE,
    processor_load=0.43,
    core_frequencies_mhz=(1800, 2850),
    wifi=WifiLink(866, -50),
    doze=Doze.LIGHT,
    screen_on=False,
)


@pytest.fixture
def phone() -> PhoneSnapshot:
    control = ScriptedControl()
    control.make_ready()
    return control.snapshot().phones[0]


def test_a_phone_that_tells_everything_is_told_in_full(phone: PhoneSnapshot) -> None:
    facts = facts_of(replace(phone, vitals=FULL))
    assert {fact: said.words for fact, said in facts.items()} == {
        PhoneFact.BATTERY: "9%, discharging",
        PhoneFact.HEAT: "47 °C, severely throttled",
        PhoneFact.PROCESSOR: "load 43%, 1.80 - 2.85 GHz",
        PhoneFact.MEMORY: "25% of 8.00 GB free",
        PhoneFact.WIFI: "866 Mbit/s, -50 dBm",
        PhoneFact.SLEEP: "light doze, screen off",
        PhoneFact.REACHED: "virtual",
        PhoneFact.SYSTEM: "Android 14, arm64-v8a, 8 cores",
    }
    alarming = {fact for fact, said in facts.items() if said.alarming}
    assert alarming == {PhoneFact.BATTERY, PhoneFact.HEAT, PhoneFact.SLEEP}


def test_what_a_phone_does_not_say_is_left_out(phone: PhoneSnapshot) -> None:
    facts = facts_of(replace(phone, vitals=BARE, description=None))
    assert set(facts) == {PhoneFact.MEMORY}
    assert facts_of(replace(phone, vitals=None, description=None)) == {}


@pytest.mark.parametrize("throttling", list(Throttling))
@pytest.mark.parametrize("doze", list(Doze))
@pytest.mark.parametrize("charging", list(Charging))
def test_every_way_a_phone_can_be_has_words(
    phone: PhoneSnapshot, throttling: Throttling, doze: Doze, charging: Charging
) -> None:
    vitals = replace(FULL, throttling=throttling, doze=doze, charging=charging)
    facts = facts_of(replace(phone, vitals=vitals))
    assert all(facts[fact].words for fact in (PhoneFact.BATTERY, PhoneFact.HEAT, PhoneFact.SLEEP))


def test_the_data_path_tells_its_way_its_speed_and_whom_it_reaches_only_through_us(
    phone: PhoneSnapshot,
) -> None:
    fast = LinkProfile(0.0042, 10.75e6)
    to_phone = LinkSnapshot(HOST, phone.serial, Route.DIRECT, fast, NOW_S - 3.0)
    relayed = LinkSnapshot(phone.serial, Serial("other"), Route.RELAYED, fast, NOW_S - 3.0)
    direct = replace(phone, route=Route.DIRECT)
    assert data_fact(phone, (), NOW_S) is None
    assert data_fact(direct, (), NOW_S) == Said("direct", lasting=True)
    told = data_fact(direct, (to_phone, relayed), NOW_S)
    assert told is not None
    assert told.words == "direct, 4.20 ms, 86.0 Mbit/s, others through this computer: 1"
    assert told.alarming
    aged = replace(to_phone, measured_at_s=NOW_S - 700.0)
    old = data_fact(replace(phone, route=Route.ADB), (aged,), NOW_S)
    assert old is not None
    assert old.words == "through adb, 4.20 ms, 86.0 Mbit/s measured 11 min 40 s ago"


@pytest.mark.parametrize("route", list(Route))
def test_every_way_that_data_can_take_has_words(phone: PhoneSnapshot, route: Route) -> None:
    told = data_fact(replace(phone, route=route), (), NOW_S)
    assert told is not None
    assert told.words


def test_old_figures_say_how_old_they_are(phone: PhoneSnapshot) -> None:
    fresh = replace(phone, vitals=FULL, vitals_at_s=NOW_S - 1.0)
    stale = replace(fresh, vitals_at_s=NOW_S - 14.2)
    assert age_words(fresh, NOW_S) == ""
    assert "14 s ago" in age_words(stale, NOW_S)
    assert vitals_text(fresh, NOW_S) == "9%   47 °C   severely throttled"
    assert vitals_text(stale, NOW_S) == "last read 14 s ago"


def test_a_phone_that_waits_for_its_owner_says_what_to_tap(phone: PhoneSnapshot) -> None:
    waiting = replace(phone, state=DeviceState.UNAUTHORIZED, state_reason=None)
    assert "tap Allow" in advice(waiting)
    assert (
        advice(replace(waiting, state_reason=Fact("phone.no_worker", phone="P")))
        == "P has no worker."
    )
    assert advice(phone) == ""


def test_a_click_shows_a_phone_in_full_and_its_cross_hides_it(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    panel = window.findChild(DevicesPanel)
    assert isinstance(panel, DevicesPanel)
    publish(window, control)
    assert not panel.details.isVisible()
    place = panel.list.visualRect(panel.model.index(1, 0)).center()
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert panel.details.isVisible()
    assert panel.details.name.text() == "Galaxy A54"
    assert panel.details.facts[PhoneFact.MEMORY].isVisible()
    assert not panel.details.facts[PhoneFact.WIFI].isVisible()
    qtbot.mouseClick(panel.details._close, Qt.MouseButton.LeftButton)
    assert not panel.details.isVisible()


def test_stale_details_look_stale_and_lasting_facts_do_not(
    window: MainWindow, phone: PhoneSnapshot
) -> None:
    panel = window.findChild(DevicesPanel)
    assert isinstance(panel, DevicesPanel)
    panel.details.show_phone(replace(phone, vitals=FULL, vitals_at_s=NOW_S - 30.0), NOW_S)

    def ink(fact: PhoneFact) -> str:
        return panel.details.facts[fact].palette().color(QPalette.ColorRole.WindowText).name()

    tokens = window.appearance.tokens
    assert ink(PhoneFact.HEAT) == tokens.muted
    assert ink(PhoneFact.SYSTEM) == tokens.text
    panel.details.show_phone(replace(phone, vitals=FULL, vitals_at_s=NOW_S - 0.5), NOW_S)
    assert ink(PhoneFact.HEAT) == tokens.warn
