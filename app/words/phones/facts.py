"""What is known of a phone, fact by fact, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from app.core.device import DeviceState, Route
from app.core.identifiers import HOST
from app.core.units import format_bytes, format_duration, significant
from app.core.vitals import Charging, DeviceVitals, Doze, Throttling, WifiLink
from app.rack.snapshot import LinkSnapshot, PhoneSnapshot
from app.words.ages import age_text
from app.words.catalogue import Message, message, ntr, tr
from app.words.phones.canaries import claims_text
from app.words.sentences import reason_text
from app.words.states import listed

SLOWED = frozenset(Throttling) - {Throttling.NONE, Throttling.LIGHT}
"""Heat that costs speed."""
_ASLEEP = frozenset({Doze.LIGHT, Doze.DEEP})


class PhoneFact(Enum):
    """What a fact is about."""

    BATTERY = auto()
    HEAT = auto()
    PROCESSOR = auto()
    MEMORY = auto()
    WIFI = auto()
    SLEEP = auto()
    REACHED = auto()
    DATA = auto()
    SYSTEM = auto()
    CLAIMS = auto()


@dataclass(frozen=True)
class Said:
    """A fact's words; an alarming one asks for a person's eye, a lasting one never gets old."""

    words: str
    alarming: bool = False
    lasting: bool = False


def fact_title(fact: PhoneFact) -> Message:
    """Return the key of what a fact is about."""
    match fact:
        case PhoneFact.BATTERY:
            return message("Battery")
        case PhoneFact.HEAT:
            return message("Heat")
        case PhoneFact.PROCESSOR:
            return message("Processor")
        case PhoneFact.MEMORY:
            return message("Memory")
        case PhoneFact.WIFI:
            return message("Wi-Fi")
        case PhoneFact.SLEEP:
            return message("Sleep")
        case PhoneFact.REACHED:
            return message("Reached by")
        case PhoneFact.DATA:
            return message("Data path")
        case PhoneFact.SYSTEM:
            return message("System")
        case PhoneFact.CLAIMS:
            return message("Canaries")
        case _:
            assert_never(fact)


def facts_of(phone: PhoneSnapshot) -> dict[PhoneFact, Said]:
    """Return what the phone says, nothing where it does not."""
    facts: dict[PhoneFact, Said] = {}
    if phone.vitals is not None:
        facts.update(_vital_facts(phone.vitals))
    description = phone.description
    if description is not None:
        words = ntr(
            "Android {version}, {abi}, {cores} core",
            "Android {version}, {abi}, {cores} cores",
            description.cores,
        ).format(version=description.android_version, abi=description.abi, cores=description.cores)
        facts[PhoneFact.SYSTEM] = Said(words, lasting=True)
        facts[PhoneFact.REACHED] = Said(description.transport, lasting=True)
    if phone.standing is not None and phone.standing.pace is not None:
        short = phone.standing.short_canaries > 0
        facts[PhoneFact.CLAIMS] = Said(claims_text(phone.standing), alarming=short, lasting=True)
    return facts


def data_fact(phone: PhoneSnapshot, links: Sequence[LinkSnapshot], now_s: float) -> Said | None:
    """Return which way tensors take to and from the phone, and how fast that was measured."""
    if phone.route is None:
        return None
    parts = [route_word(phone.route)]
    to_phone = next((each for each in links if _is_from_host(each, phone)), None)
    if to_phone is not None:
        parts.append(link_speed(to_phone, now_s))
    relayed = sum(each.sender == phone.serial and each.route is Route.RELAYED for each in links)
    if relayed:
        words = tr("others through this computer: {count}")
        parts.append(words.format(count=relayed))
    return Said(listed(parts), alarming=relayed > 0, lasting=True)


def age_words(phone: PhoneSnapshot, now_s: float) -> str:
    """Return since when the phone is lost and how old stale vitals are; else nothing."""
    words = []
    if phone.lost_at_s is not None:
        last = tr("Heard last {age} ago.")
        words.append(last.format(age=age_text(now_s - phone.lost_at_s)))
    if phone.vitals_at_s is not None and phone.vitals_are_stale(now_s):
        read = tr("Read {age} ago: may be different now.")
        words.append(read.format(age=age_text(now_s - phone.vitals_at_s)))
    return " ".join(words)


def is_slowed(phone: PhoneSnapshot) -> bool:
    """Whether heat costs the phone speed now."""
    return phone.vitals is not None and phone.vitals.throttling in SLOWED


def advice(phone: PhoneSnapshot) -> str:
    """Return why a phone is in a state that needs a word, and what to do; else nothing."""
    if phone.state_reason or phone.state is not DeviceState.UNAUTHORIZED:
        return reason_text(phone.state_reason)
    return tr("Unlock the phone and tap Allow under “Allow USB debugging?”.")


def _vital_facts(vitals: DeviceVitals) -> Iterator[tuple[PhoneFact, Said]]:
    battery = _battery(vitals)
    if battery:
        low = (vitals.battery_percent or 100) < 15 and vitals.charging is Charging.DISCHARGING
        yield PhoneFact.BATTERY, Said(battery, alarming=low)
    heat = _heat(vitals)
    if heat:
        yield PhoneFact.HEAT, Said(heat, alarming=vitals.throttling in SLOWED)
    processor = _processor(vitals)
    if processor:
        yield PhoneFact.PROCESSOR, Said(processor)
    yield PhoneFact.MEMORY, Said(_memory(vitals))
    if vitals.wifi is not None and (wifi := _wifi(vitals.wifi)):
        yield PhoneFact.WIFI, Said(wifi)
    sleep = _sleep(vitals)
    if sleep:
        yield PhoneFact.SLEEP, Said(sleep, alarming=vitals.doze in _ASLEEP)


def _battery(vitals: DeviceVitals) -> str:
    parts = []
    if vitals.battery_percent is not None:
        parts.append(f"{vitals.battery_percent}%")
    if vitals.charging is not None:
        parts.append(_charging_word(vitals.charging))
    return listed(parts)


def _heat(vitals: DeviceVitals) -> str:
    parts = []
    if vitals.temperature_celsius is not None:
        parts.append(f"{vitals.temperature_celsius:.0f} °C")
    if vitals.throttling is not None:
        parts.append(throttling_word(vitals.throttling))
    return listed(parts)


def _processor(vitals: DeviceVitals) -> str:
    parts = []
    if vitals.processor_load is not None:
        words = tr("load {share:.0%}")
        parts.append(words.format(share=vitals.processor_load))
    if vitals.core_frequencies_mhz:
        slowest, fastest = min(vitals.core_frequencies_mhz), max(vitals.core_frequencies_mhz)
        low, high = significant(slowest / 1e3), significant(fastest / 1e3)
        parts.append(f"{high} GHz" if low == high else f"{low} - {high} GHz")
    return listed(parts)


def _memory(vitals: DeviceVitals) -> str:
    words = tr("{share:.0%} of {total} free")
    total_bytes = vitals.memory_total_bytes
    share = vitals.memory_available_bytes / max(total_bytes, 1)
    return words.format(share=share, total=format_bytes(total_bytes))


def _wifi(wifi: WifiLink) -> str:
    parts = []
    if wifi.speed_mbit_per_second is not None:
        parts.append(f"{wifi.speed_mbit_per_second} Mbit/s")
    if wifi.signal_dbm is not None:
        parts.append(f"{wifi.signal_dbm} dBm")
    return listed(parts)


def _is_from_host(link: LinkSnapshot, phone: PhoneSnapshot) -> bool:
    return link.sender == HOST and link.receiver == phone.serial


def route_word(route: Route) -> str:
    """Return how bytes get there."""
    match route:
        case Route.DIRECT:
            return tr("direct")
        case Route.ADB:
            return tr("through adb")
        case Route.RELAYED:
            return tr("through this computer")
        case Route.SERVER:
            return tr("through their adb server")
        case _:
            assert_never(route)


def link_speed(link: LinkSnapshot, now_s: float) -> str:
    """Return how fast a link was measured, and how long ago where that is old."""
    megabits = significant(link.profile.bytes_per_second * 8 / 1e6)
    words = f"{format_duration(link.profile.latency_s)}, {megabits} Mbit/s"
    if link.is_fresh(now_s):
        return words
    old = tr("{speed} measured {age} ago")
    return old.format(speed=words, age=age_text(now_s - link.measured_at_s))


def _sleep(vitals: DeviceVitals) -> str:
    parts = []
    if vitals.doze is not None:
        parts.append(doze_word(vitals.doze))
    if vitals.screen_on is not None:
        on, off = tr("screen on"), tr("screen off")
        parts.append(on if vitals.screen_on else off)
    return listed(parts)


def throttling_word(throttling: Throttling) -> str:
    """Return how much heat slows a phone."""
    match throttling:
        case Throttling.NONE:
            return tr("not throttled")
        case Throttling.LIGHT:
            return tr("lightly throttled")
        case Throttling.MODERATE:
            return tr("moderately throttled")
        case Throttling.SEVERE:
            return tr("severely throttled")
        case Throttling.CRITICAL:
            return tr("critically throttled")
        case Throttling.EMERGENCY:
            return tr("throttled in an emergency")
        case Throttling.SHUTDOWN:
            return tr("about to shut down")
        case _:
            assert_never(throttling)


def _charging_word(charging: Charging) -> str:
    match charging:
        case Charging.CHARGING:
            return tr("charging")
        case Charging.DISCHARGING:
            return tr("discharging")
        case Charging.NOT_CHARGING:
            return tr("plugged in, not charging")
        case Charging.FULL:
            return tr("full")
        case _:
            assert_never(charging)


def doze_word(doze: Doze) -> str:
    """Return how deep a phone sleeps."""
    match doze:
        case Doze.AWAKE:
            return tr("awake")
        case Doze.FALLING_ASLEEP:
            return tr("falling asleep")
        case Doze.LIGHT:
            return tr("light doze")
        case Doze.DEEP:
            return tr("deep doze")
        case Doze.MAINTENANCE:
            return tr("doze, awake for a moment")
        case _:
            assert_never(doze)
