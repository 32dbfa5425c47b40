"""What `app.devices.adb` and `app.devices.condition` say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "adb_key.of_another_kind": message(
        "{path}: not a usable ADB key (RSA with {bits} bits is needed)."
    ),
    "adb_key.signatures_fail": message(
        "{path}: not a usable ADB key (its signatures do not hold)."
    ),
    "adb_key.unusable": message("{path}: not a usable ADB key ({reason})."),
    "adb_server.absent": message(
        "No adb server answers at {address}: start it there with `adb start-server`; USB "
        "phones are reached only through one ({reason})."
    ),
    "adb_server.hangs": message(
        "What listens at {address} took a connection and said nothing for {time_s:.0f} s: an "
        "adb server that hangs, or another program."
    ),
    "adb_server.host_silent": message(
        "Nothing answers at {address}, not even a refusal: is that computer on, and does its "
        "firewall let this one in?"
    ),
    "adb_server.lists_nothing": message(
        "The adb server at {address} does not list phones: {reason}."
    ),
    "adb_server.odd_port_variable": message(
        "{variable}: '{value}' is no port; write a number below {limit}."
    ),
    "adb_server.odd_socket_variable": message(
        "ADB_SERVER_SOCKET={value}: write tcp:PORT or tcp:HOST:PORT."
    ),
    "adb_server.other_program": message(
        "What listens at {address} is no adb server: it says {said}."
    ),
    "adb_server.other_program_hangs_up": message(
        "What listens at {address} is no adb server: it hangs up."
    ),
    "phone.adb_checksum_wrong": message(
        "The phone does not follow the ADB protocol: a checksum is wrong."
    ),
    "phone.adb_no_packet": message("The phone does not follow the ADB protocol: not a packet."),
    "phone.adb_odd": message("The phone does not follow the ADB protocol: {reason}"),
    "phone.adb_packet_too_large": message(
        "The phone does not follow the ADB protocol: its packet is too large."
    ),
    "phone.adb_rushes": message("The phone does not follow the ADB protocol: it rushes."),
    "phone.answer_cut": message("The phone ended an answer in the middle."),
    "phone.command_endless": message("{transport}: a command did not end in time."),
    "phone.file_refused": message("{reason}."),
    "phone.file_refused_at": message("{path}: {reason}."),
    "phone.memory_untold": message("{transport}: the phone does not tell its memory."),
    "phone.name_too_long": message("The phone announced a name of {size} bytes."),
    "phone.no_way_back": message("{transport}: no way back from the phone ({reason})."),
    "phone.never_connected": message("The phone is not connected."),
    "phone.odd_file_answer": message("The phone answered a file command with {said}."),
    "phone.odd_reverse_answer": message("The phone answers `reverse:` with something else."),
    "phone.odd_token": message("The phone asked to sign {size} bytes; ADB has 20."),
    "phone.output_too_large": message("{transport}: a command printed more than {limit_mb} MB."),
    "phone.serial_untold": message("{transport}: the phone does not tell its serial number."),
    "phone.service_missing": message("The phone has no `{service}` service, or nothing is there."),
    "phone.shell_cut": message("{transport}: the phone's shell did not answer in full."),
    "phone.silent": message("The phone does not answer."),
    "phone.too_many_streams": message("Too many streams are open to the phone."),
    "phone.way_back_taken": message("{transport}: a way back is not to be had again ({reason})."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "adb_server.hangs": message(
        "Type `adb kill-server`, or end the program that has the port, then `adb start-server`."
    ),
    "adb_server.other_program": message(
        "End it, or give adb another port by ANDROID_ADB_SERVER_PORT."
    ),
    "adb_server.other_program_hangs_up": message(
        "End it, or give adb another port by ANDROID_ADB_SERVER_PORT."
    ),
}
