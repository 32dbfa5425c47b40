"""What `app.devices.discovery` tells of places and phones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "adb_server.empty": message(
        "The adb server at {address} answers and lists no phone: plug one in with USB "
        "debugging on, or pair with one."
    ),
    "adb_server.known": message("The adb server {address} belongs to this rack already."),
    "adb_server.silent_since": message("{reason} So since {since}."),
    "adb_server.unanswered": message("The adb server at {address} has not answered yet."),
    "adb_server.without_cable": message(
        "The adb server at {address} answers and lists no phone on a cable: plug one in with "
        "USB debugging on, or pair with one."
    ),
    "adb_server.without_wifi": message(
        "The adb server at {address} answers and lists no phone on Wi-Fi: plug one in with "
        "USB debugging on, or pair with one."
    ),
    "address.known": message("{address} belongs to this rack already."),
    "discovery.failed": message("Looking for phones failed; the log says why."),
    "network.empty": message(
        "The network shows no phone that is paired: turn wireless debugging on, or `shardloom"
        " pair`."
    ),
    "network.strangers": plural(
        "{count} phone advertises wireless debugging: pair with `shardloom pair --qr`.",
        "{count} phones advertise wireless debugging: pair with `shardloom pair --qr`.",
    ),
    "network.unanswered": message("The network has not answered yet."),
    "pairing.cancelled": message("Pairing was cancelled."),
    "pairing.code_or_qr": message("Give HOST:PORT and CODE as the phone shows them, or --qr."),
    "pairing.connected": message("Paired with {phone} and connected at {address}."),
    "pairing.how_to_scan": message(
        "On the phone: Developer options > Wireless debugging > Pair device with QR code, then"
        " point it here. Waiting ..."
    ),
    "pairing.not_connected": message("Paired with {phone}, but not connected: {reason}."),
    "pairing.not_connected_yet": message(
        "Paired with {phone}, but not connected yet: {reason}. It joins as soon as it shows"
        " itself on the network."
    ),
    "pairing.qr_code_unread": message(
        "No phone read the QR code within {time_s:.0f} s: phone and computer must be on the "
        "same network, and the network must pass multicast."
    ),
    "pairing.unadvertised": message(
        "it does not advertise its port; take the address that the phone shows"
    ),
    "pairing.to_wifi_rack": message("It belongs to the rack `wifi` from now on."),
    "phone.listed_authorizing": message("The {server} says {words}: it is being asked."),
    "phone.listed_connecting": message("The {server} says {words}: it is being connected."),
    "phone.listed_forbidden": message(
        "The {server} says {words}: this computer may not use the cable; type `sudo cp {rule}"
        " /etc/udev/rules.d/`, then unplug the phone and plug it in again."
    ),
    "phone.listed_host": message("The {server} says {words}: it is no phone."),
    "phone.listed_in_bootloader": message(
        "The {server} says {words}: it is in the bootloader; start Android."
    ),
    "phone.listed_in_recovery": message(
        "The {server} says {words}: it is in recovery; start Android."
    ),
    "phone.listed_no_more": message(
        "The {server} lists it no more: unplugged, or its debugging was turned off."
    ),
    "phone.listed_offline": message(
        "The {server} says {words}: it does not answer; unplug it and plug it in again, or "
        "turn wireless debugging off and on."
    ),
    "phone.listed_otherwise": message(
        "The {server} says {words}: look at its screen and its cable."
    ),
    "phone.processor_of_another_kind": message(
        "{phone} cannot work: its processor ({abi}) is none that ONNX Runtime and Python are "
        "built for here ({supported:and})."
    ),
    "phone.silent_at": message("{address} does not answer."),
    "phone.system_of_32_bits": message(
        "{phone} cannot work: its 32-bit system ({abi}) is none that ONNX Runtime and Python "
        "are built for here ({supported:and})."
    ),
    "phone.unwatched": message("{address} is not watched any more."),
    "place.empty": message("A place of this rack has no phone."),
    "place.unanswered": message("A place of this rack has not answered yet."),
    "usb.cable_forbidden": message(
        "{phone}: this computer may not use the cable; type `sudo cp {rule} "
        "/etc/udev/rules.d/`, then unplug the phone and plug it in again."
    ),
    "usb.empty": message("USB shows no phone on any cable: plug one in, with USB debugging on."),
    "usb.known": message("USB belongs to this rack already."),
    "usb.phone_unplugged": message("{phone} was unplugged."),
    "usb.unanswered": message("USB has not answered yet."),
}
ADVICE: Final[Mapping[str, Message]] = {}
