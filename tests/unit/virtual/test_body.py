"""A virtual phone's battery, warmth and sleep, with the clock in the test's hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.vitals import Doze
from app.virtual.body.battery import Battery, BatteryStatus
from app.virtual.body.body import IDLE_WATTS, PROCESSOR_WATTS, Body
from app.virtual.body.heat import HYSTERESIS_CELSIUS, PROCESSOR_SHARES, THRESHOLDS_CELSIUS, Heat
from app.virtual.body.sleep import (
    DEEP_AFTER_LIGHT,
    MAINTENANCE_EVERY_S,
    MAINTENANCE_S,
    Sleep,
    SleepRules,
)
from app.virtual.persona import Persona

HOUR_S = 3600.0
NOTHING_SET = SleepRules()


def persona(**changes: object) -> Persona:
    table: dict[str, object] = {
        "serial": "BODY-1",
        "name": "Phone",
        "manufacturer": "Maker",
        "android_version": "14",
        "cores": 8,
        "memory_bytes": 4_000_000_000,
        "screen_off_after_s": 0,
    }
    return Persona.from_table(table | changes)


def heat(celsius: float = 30.0, *, throttles: bool = True) -> Heat:
    return Heat(celsius, 30.0, 4.0, 180.0, throttles=throttles)


def test_an_unplugged_battery_drains_by_what_is_drawn() -> None:
    battery = Battery(100, watt_hours=10.0, charger_watts=5.0)
    battery.advance(HOUR_S, 2.0, is_plugged=False)
    assert battery.percent == 80
    assert battery.status is BatteryStatus.DISCHARGING
    assert battery.current_ma == round(-2000 / battery.volts)


def test_a_plugged_battery_fills_and_then_is_full() -> None:
    battery = Battery(50, watt_hours=10.0, charger_watts=5.0)
    battery.advance(HOUR_S / 2, 1.0, is_plugged=True)
    assert (battery.percent, battery.status) == (70, BatteryStatus.CHARGING)
    battery.advance(HOUR_S, 1.0, is_plugged=True)
    assert (battery.percent, battery.status, battery.current_ma) == (100, BatteryStatus.FULL, 0)


def test_a_charger_weaker_than_the_phone_does_not_charge() -> None:
    battery = Battery(50, watt_hours=10.0, charger_watts=2.5)
    battery.advance(HOUR_S, 4.5, is_plugged=True)
    assert (battery.percent, battery.status) == (30, BatteryStatus.NOT_CHARGING)


def test_an_empty_battery_says_so_only_while_nothing_comes_in() -> None:
    battery = Battery(1, watt_hours=10.0, charger_watts=5.0)
    battery.advance(HOUR_S, 4.0, is_plugged=False)
    assert battery.is_empty
    battery.advance(1.0, 4.0, is_plugged=True)
    assert not battery.is_empty


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 50), st.booleans()), max_size=20))
def test_a_battery_stays_between_empty_and_full(steps: list[tuple[float, float, bool]]) -> None:
    battery = Battery(50, watt_hours=17.0, charger_watts=7.5)
    for elapsed_s, watts, is_plugged in steps:
        battery.advance(elapsed_s, watts, is_plugged=is_plugged)
        assert 0 <= battery.percent <= 100
        assert 3.5 < battery.volts < 4.4


def test_warmth_follows_the_power_drawn_and_falls_back() -> None:
    warmth = heat()
    warmth.advance(180.0, 4.0)
    assert warmth.celsius == pytest.approx(30 + 16 * (1 - 1 / 2.718281828), rel=1e-6)
    warmth.advance(1e6, 4.0)
    assert warmth.celsius == pytest.approx(46.0)
    warmth.advance(1e6, 0.0)
    assert warmth.celsius == pytest.approx(30.0)


def test_many_small_steps_warm_as_one_long_one() -> None:
    once, often = heat(), heat()
    once.advance(60.0, 3.0)
    for _ in range(600):
        often.advance(0.1, 3.0)
    assert often.celsius == pytest.approx(once.celsius, rel=1e-9)


def test_each_threshold_throttles_one_step_further() -> None:
    warmth = heat()
    shares = []
    for threshold in THRESHOLDS_CELSIUS:
        warmth.put(threshold - 0.01)
        shares.append(warmth.processor_share)
        warmth.put(threshold)
    assert [*shares, warmth.processor_share] == list(PROCESSOR_SHARES)
    assert warmth.grade == 6


def test_a_grade_ends_only_well_below_its_threshold() -> None:
    warmth = heat()
    warmth.put(43.5)
    warmth.put(43.0 - HYSTERESIS_CELSIUS + 0.1)
    assert warmth.grade == 2
    warmth.put(43.0 - HYSTERESIS_CELSIUS - 0.1)
    assert warmth.grade == 1


def test_a_phone_that_does_not_throttle_only_shows_its_heat() -> None:
    warmth = heat(60.0, throttles=False)
    assert (warmth.grade, warmth.processor_share) == (0, 1.0)


def test_a_phone_falls_asleep_step_by_step_and_wakes_for_moments() -> None:
    sleep = Sleep(0.0, screen_off_after_s=60.0, doze_after_s=100.0)
    deep_s = 60.0 + 100.0 * DEEP_AFTER_LIGHT
    seen = []
    for now_s in (
        59.0,
        60.0,
        159.0,
        160.0,
        deep_s - 1,
        deep_s,
        deep_s + MAINTENANCE_EVERY_S - MAINTENANCE_S,
        deep_s + MAINTENANCE_EVERY_S,
    ):
        sleep.advance(now_s, NOTHING_SET, is_plugged=False)
        seen.append(sleep.doze)
    assert seen == [
        Doze.AWAKE,
        Doze.FALLING_ASLEEP,
        Doze.FALLING_ASLEEP,
        Doze.LIGHT,
        Doze.LIGHT,
        Doze.DEEP,
        Doze.MAINTENANCE,
        Doze.DEEP,
    ]
    sleep.touch(1000.0)
    sleep.advance(1000.0, NOTHING_SET, is_plugged=False)
    assert (sleep.doze, sleep.screen_is_on) == (Doze.AWAKE, True)


def test_a_plugged_phone_does_not_doze_and_stay_awake_keeps_its_screen_on() -> None:
    sleep = Sleep(0.0, 10.0, 10.0)
    sleep.advance(1000.0, NOTHING_SET, is_plugged=True)
    assert (sleep.doze, sleep.screen_is_on) == (Doze.AWAKE, False)
    sleep.advance(2000.0, SleepRules(stays_awake=True), is_plugged=True)
    assert sleep.screen_is_on


def test_stay_awake_holds_only_as_long_as_the_charger_does() -> None:
    sleep = Sleep(0.0, 10.0, 10.0)
    rules = SleepRules(stays_awake=True)
    sleep.advance(100.0, rules, is_plugged=True)
    sleep.advance(120.0, rules, is_plugged=False)
    sleep.advance(131.0, rules, is_plugged=False)
    assert sleep.doze is Doze.LIGHT


@pytest.mark.parametrize(
    ("rules", "doze"),
    [
        (SleepRules(may_doze=False), Doze.AWAKE),
        (SleepRules(forced=Doze.DEEP), Doze.DEEP),
        (SleepRules(forced=Doze.LIGHT), Doze.LIGHT),
    ],
)
def test_a_developer_decides_over_doze(rules: SleepRules, doze: Doze) -> None:
    sleep = Sleep(0.0, 0.0, 1000.0)
    sleep.advance(1.0, rules, is_plugged=False)
    sleep.advance(9000.0, rules, is_plugged=False)
    assert sleep.doze is doze


def test_work_drains_and_warms_a_phone_more_than_rest() -> None:
    busy, idle = Body(persona(plugged=False), 0.0), Body(persona(plugged=False), 0.0)
    for second in range(1, 3601):
        working = busy.advance(second, float(second), NOTHING_SET)
        resting = idle.advance(second, 0.0, NOTHING_SET)
    hours_of_work = 17.0 / (PROCESSOR_WATTS + IDLE_WATTS)
    assert working.battery_percent == pytest.approx(100 - 100 / hours_of_work, abs=1)
    assert resting.battery_percent == pytest.approx(100 - 100 * IDLE_WATTS / 17.0, abs=1)
    assert working.celsius == pytest.approx(46.0, abs=0.1)
    assert resting.celsius == 30.0
    assert working.load == 1.0
    assert working.busy_core_s == pytest.approx(8 * 3600)
    assert working.frequency_mhz == 2800


def test_load_is_a_share_of_what_the_phone_may_use() -> None:
    body = Body(persona(cpu_share=0.5), 0.0)
    assert body.advance(10.0, 2.5, NOTHING_SET).load == 0.5


def test_a_look_right_after_the_last_keeps_the_load() -> None:
    body = Body(persona(), 0.0)
    before = body.advance(10.0, 5.0, NOTHING_SET)
    again = body.advance(10.001, 5.0, NOTHING_SET)
    assert before.load == again.load == 0.5


def test_a_hot_phone_runs_at_a_lower_clock() -> None:
    body = Body(persona(throttles=True), 0.0)
    body.heat.put(45.2)
    condition = body.advance(1.0, 1.0, NOTHING_SET)
    assert (condition.thermal_status, condition.processor_share) == (3, 0.4)
    assert condition.frequency_mhz == round(2800 * 0.4)


def test_a_pretended_unplugging_drains_and_ends() -> None:
    body = Body(persona(), 0.0)
    assert not body.advance(1.0, 0.0, NOTHING_SET, is_unplugged=True).is_plugged
    assert body.advance(2.0, 0.0, NOTHING_SET).is_plugged
