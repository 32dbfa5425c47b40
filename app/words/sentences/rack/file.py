"""What `app.rack` says of the text or file that names a rack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "rack_file.memory_share": message(
        "{file}: '{key}' is a share of the phone's available memory: above 0, at most {most:.0f}."
    ),
    "rack.unknown": message("There is no rack '{name}'."),
    "rack.virtual_count": message("virtual:N needs a whole number from 1 to {most}."),
    "rack_file.addresses": message("{file}: 'addresses' must be a list of \"HOST:PORT\"."),
    "rack_file.not_a_share": message("{file}: '{key}' must be a number from 0 to 1."),
    "rack_file.not_a_percentage": message("{file}: '{key}' must be a whole number from 0 to 100."),
    "rack_file.not_degrees": message(
        "{file}: 'most_celsius' must be a number from {least:g} to {most:g}."
    ),
    "rack_file.not_positive": message("{file}: '{key}' must be a number above 0."),
    "rack_file.objective": message("{file}: 'objective' must be one of {known}."),
    "rack_file.not_names": message("{file}: '{key}' must be a list of phones' names or serials."),
    "rack_file.balancing": message('{file}: \'balancing\' must be "off", "ask" or "on".'),
    "rack_file.check_everything": message(
        '{file}: \'check_everything\' must be "off", "auto" or "on".'
    ),
    "rack_file.count": message("{file}: '{key}' must be a whole number from 1 to {most}."),
    "rack_file.count_of_none": message("{file}: 'count' needs at least one of [[phones]]."),
    "rack_file.not_a_switch": message("{file}: '{key}' must be true or false."),
    "rack_file.not_tables": message("{file}: '{key}' must be written as [[{key}]] tables."),
    "rack_file.not_text": message("{file}: '{key}' must be a text."),
    "rack_file.lookup": message('{file}: \'lookup\' must be "auto" or "off".'),
    "rack_file.pause_limit": message("{file}: 'pause_limit_s' must be seconds from 0 to {most}."),
    "rack_file.serial_twice": message("{file}: two phones have the serial '{serial}'."),
    "rack_file.server": message("{file}: 'host' or 'port' is missing or wrong in {place}."),
    "rack_file.unknown_key": message("{file}: unknown key '{key}'."),
    "rack_file.unknown_key_in": message("{file}: unknown key '{key}' in {place}."),
    "rack_file.unreadable": message("{file}: {reason}."),
    "rack_file.use": message('{file}: \'use\' must be "all" or "best".'),
}
ADVICE: Final[Mapping[str, Message]] = {
    "rack.unknown": message(
        "Write virtual:N, usb, wifi, server:HOST:PORT, HOST:PORT (several with commas between), "
        "a rack file, or one of: {known}."
    ),
}
