"""What `app.virtual` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "adb_key.empty": message("The ADB key is empty."),
    "adb_key.odd": message("That is no ADB key: {reason}."),
    "adb_key.odd_size": message("That is no ADB key: it is not of {bits} bits."),
    "persona.key_missing": message("{context}: '{key}' is missing."),
    "persona.no_object": message("{context}: not an object."),
    "persona.unknown_key": message("{context}: unknown key '{key}'."),
    "persona.unreadable": message("{context}: {reason}"),
    "persona.wants_bytes": message(
        "{context}: '{key}' must be a whole number of bytes, {low:bytes} to {high:bytes}."
    ),
    "persona.wants_choice": message("{context}: '{key}' must be {choices:or}."),
    "persona.wants_degrees": message(
        "{context}: '{key}' must be a number of degrees from {low:.10g} to {high:.10g}."
    ),
    "persona.wants_degrees_per_watt": message(
        "{context}: '{key}' must be a number of degrees for each watt from {low:.10g} to "
        "{high:.10g}."
    ),
    "persona.wants_line": message(
        "{context}: '{key}' must be a text of 1 to 64 characters without '=', ';', '[' or ']'."
    ),
    "persona.wants_mbit_per_second": message(
        "{context}: '{key}' must be a number of Mbit/s from {low:.10g} to {high:.10g}."
    ),
    "persona.wants_mhz": message(
        "{context}: '{key}' must be a whole number of MHz from {low:.10g} to {high:.10g}."
    ),
    "persona.wants_milliseconds": message(
        "{context}: '{key}' must be a number of milliseconds from {low:.10g} to {high:.10g}."
    ),
    "persona.wants_number": message(
        "{context}: '{key}' must be a number from {low:.10g} to {high:.10g}."
    ),
    "persona.wants_path": message(
        "{context}: '{key}' must be a path of letters, digits, '.', '_', '-', '+' and '/'."
    ),
    "persona.wants_seconds": message(
        "{context}: '{key}' must be a number of seconds from {low:.10g} to {high:.10g}."
    ),
    "persona.wants_serial": message(
        "{context}: '{key}' must be 1 to 64 letters, digits, '.', '_' or '-'."
    ),
    "persona.wants_share": message(
        "{context}: '{key}' must be a share from {low:.10g} to {high:.10g}."
    ),
    "persona.wants_switch": message("{context}: '{key}' must be true or false."),
    "persona.wants_watt_hours": message(
        "{context}: '{key}' must be a number of watt-hours from {low:.10g} to {high:.10g}."
    ),
    "persona.wants_watts": message(
        "{context}: '{key}' must be a number of watts from {low:.10g} to {high:.10g}."
    ),
    "persona.wants_whole_number": message(
        "{context}: '{key}' must be a whole number from {low:.10g} to {high:.10g}."
    ),
    "virtual_phone.file_damaged": message("{name} was damaged."),
    "virtual_phone.in_use": message("{phone} is in use by another rack."),
    "virtual_phone.not_running": message("{phone} is not running."),
    "virtual_phone.not_started": message("{phone} did not start: {reason}"),
    "virtual_phone.odd_command": message("A phone cannot '{command}'."),
    "virtual_phone.odd_temperature": message("'{value}' is no temperature."),
    "virtual_phone.said_nothing": message("it said nothing."),
    "virtual_phone.silent": message("{phone} does not answer."),
    "virtual_phone.without_wireless": message("{phone} has no wireless debugging."),
    "virtual_rack.serial_twice": message("Two phones of the rack have the same serial."),
}
ADVICE: Final[Mapping[str, Message]] = {}
