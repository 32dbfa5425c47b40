"""`shardloom devices`: the phones found, with what was read and measured on each."""

from __future__ import annotations

import argparse
from typing import Final

from app.command_line.options import rack_options
from app.command_line.output.progress import shown_progress, state_text
from app.command_line.output.terminal import print_json, print_line, print_table, right, translated
from app.command_line.rack_session import found_rack
from app.core.facts import Fact
from app.core.units import format_bytes
from app.core.vitals import DeviceVitals
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from app.words.catalogue import message
from app.words.sentences import facts_text, reason_text, sentence
from app.words.terminal import phone_remarks

HEADINGS: Final = (
    "#",
    message("serial"),
    message("name"),
    message("state"),
    message("transport"),
    right(message("cores")),
    right(message("memory")),
    right(message("free")),
    right(message("battery")),
    right(message("heat")),
)
MEASURED: Final = (
    right(message("weights/s")),
    right("GFLOP/s"),
    right(message("reputation")),
)


def execute(arguments: argparse.Namespace) -> int:
    """Open the rack until it is ready and list its phones."""
    with found_rack(rack_options(arguments)) as session, shown_progress(session):
        snapshot = session.wait_until_ready()
    if arguments.json:
        phones = [phone_report(phone, snapshot.at_s) for phone in snapshot.phones]
        print_json(
            {
                "rack": snapshot.rack_name,
                "notice": facts_text(snapshot.notices),
                "notice_codes": [notice.code for notice in snapshot.notices],
                "devices": phones,
            }
        )
    else:
        _print(snapshot)
    return 0


def phone_report(phone: PhoneSnapshot, now_s: float) -> dict[str, object]:
    """Return everything known of a phone, ready for JSON; None where it is not known."""
    description, vitals, profile = phone.description, phone.vitals, phone.profile
    return {
        "position": phone.position,
        "serial": phone.serial,
        "state": phone.state.value,
        "state_reason": reason_text(phone.state_reason),
        "state_code": phone.state_reason and phone.state_reason.code,
        "name": description and description.name,
        "transport": description and description.transport,
        "route": phone.route and phone.route.value,
        "simulated": description and description.simulated,
        "limits": list(description.limits) if description else [],
        "abi": description and description.abi,
        "android_version": description and description.android_version,
        "cores": description and description.cores,
        "memory_total_bytes": vitals and vitals.memory_total_bytes,
        "memory_available_bytes": vitals and vitals.memory_available_bytes,
        "vitals": vitals and _vitals_report(vitals),
        "vitals_age_s": None if phone.vitals_at_s is None else now_s - phone.vitals_at_s,
        "vitals_stale": phone.vitals_are_stale(now_s),
        "battery_percent": vitals and vitals.battery_percent,
        "temperature_celsius": vitals and vitals.temperature_celsius,
        "memory_budget_bytes": profile and profile.memory_budget_bytes,
        "weight_bytes_per_second": profile and profile.weight_bytes_per_second,
        "flops_per_second": profile and profile.flops_per_second,
        "step_overhead_ms": profile and profile.step_overhead_s * 1000,
    }


def _vitals_report(vitals: DeviceVitals) -> dict[str, object]:
    """Return what changes from moment to moment; words as the window shows them."""
    return {
        "charging": vitals.charging,
        "battery_current_ma": vitals.battery_current_ma,
        "battery_volts": vitals.battery_volts,
        "throttling": vitals.throttling,
        "processor_load": vitals.processor_load,
        "core_frequencies_mhz": list(vitals.core_frequencies_mhz),
        "wifi_link_mbit_per_second": vitals.wifi and vitals.wifi.speed_mbit_per_second,
        "wifi_signal_dbm": vitals.wifi and vitals.wifi.signal_dbm,
        "doze": vitals.doze,
        "screen_on": vitals.screen_on,
    }


def _print(snapshot: RackSnapshot) -> None:
    if snapshot.notices:
        print_line(facts_text(snapshot.notices))
    rows = [_row(phone) for phone in snapshot.phones]
    print_table(
        translated((*HEADINGS, *MEASURED)),
        rows,
        title=sentence(Fact("devices.title", rack=snapshot.rack_name)),
    )
    for phone in snapshot.phones:
        for line in phone_remarks(phone, snapshot.at_s):
            print_line(f"{phone.serial}: {line}")


def _row(phone: PhoneSnapshot) -> list[str]:
    description, vitals = phone.description, phone.vitals
    state = state_text(phone.state)
    told = (description.transport, str(description.cores)) if description else ("", "")
    name = description.name if description else ""
    return [str(phone.position), phone.serial, name, state, *told, *_vitals(vitals), *_speed(phone)]


def _vitals(vitals: DeviceVitals | None) -> tuple[str, str, str, str]:
    if vitals is None:
        return "", "", "", ""
    battery = "" if vitals.battery_percent is None else f"{vitals.battery_percent} %"
    total, free = vitals.memory_total_bytes, vitals.memory_available_bytes
    celsius = vitals.temperature_celsius
    heat = "" if celsius is None else f"{celsius:.0f} °C"
    return format_bytes(total), format_bytes(free), battery, heat


def _speed(phone: PhoneSnapshot) -> tuple[str, str, str]:
    profile, standing = phone.profile, phone.standing
    reputation = f"{standing.reputation:.2f}" if standing else ""
    if profile is None:
        return "", "", reputation
    rate = format_bytes(profile.weight_bytes_per_second)
    return rate, f"{profile.flops_per_second / 1e9:.1f}", reputation
