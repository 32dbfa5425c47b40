"""What `app.devices.links` and `app.devices.wireless` say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "adb_server.disobeys": message("{server} does not do what it is asked ({reason})."),
    "adb_server.forwards_no_port": message("{server} forwards no port ({reason})."),
    "adb_server.forwards_untold": message("{server} does not tell what it forwards ({reason})."),
    "adb_server.port_taken": message("{server}: port {port} is not to be had again ({reason})."),
    "address.odd": message("'{address}' is not an address: write HOST:PORT."),
    "channel.closed": message("the connection was closed"),
    "channel.failed": message("{reason}"),
    "channel.nothing_agreed": message("nothing was agreed on"),
    "channel.odd_key_exchange": message("not a SPAKE2 message"),
    "channel.odd_packet": message(
        "a pairing packet of version {version}, kind {kind}, {size} bytes"
    ),
    "channel.odd_peer_information": message("peer information of {size} bytes"),
    "channel.silent": message("no answer"),
    "channel.tls_ended": message("TLS ended: {reason}"),
    "channel.tls_failed": message("TLS failed: {reason}"),
    "network.unheard": message("Phones cannot be looked for on the network ({reason})."),
    "paired_phones.odd": message("{path}: not a list of phones."),
    "paired_phones.unreadable": message("{path}: {reason}."),
    "pairing.another_code": message(
        "{address} has another code: type the six digits that the phone shows now."
    ),
    "pairing.ended": message(
        "{address} ended the pairing ({reason}): its window was closed, the code was wrong, "
        "or this is not a pairing port."
    ),
    "pairing.nameless": message("{address} paired but did not say which phone it is."),
    "pairing.nobody": message(
        "No phone pairs at {address} ({reason}): its port is new each time the phone opens "
        "“Pair device with pairing code”."
    ),
    "pairing.nobody_answers": message(
        "No phone pairs at {address} (no answer): its port is new each time the phone opens "
        "“Pair device with pairing code”."
    ),
    "pairing.odd_code": message(
        "A pairing code has six digits: the phone shows it while it pairs."
    ),
    "pairing.odd_qr_code": message("That QR code does not ask for pairing."),
    "pairing.silent": message(
        "{address} did not answer in time: keep the phone's pairing window open and try again."
    ),
    "phone.closed_connection": message("{phone} closed the connection."),
    "phone.connection_failed": message("{phone}: {reason}."),
    "phone.file_absent": message("{path}: not on the phone."),
    "phone.gone": message("{phone} is gone ({reason})."),
    "phone.hangs_up": message(
        "{phone} takes the connection and hangs up at once: another computer or program has "
        "this phone."
    ),
    "phone.let_go": message("{transport}: the phone was let go."),
    "phone.no_longer_connected": message("{phone} is no longer connected."),
    "phone.not_accepted": message(
        "{phone} has not accepted this computer: unlock the phone and tap Allow under “Allow "
        "USB debugging?” (Always allow)."
    ),
    "phone.not_paired": message(
        "{phone} is not paired with this computer: on the phone open Developer options > "
        "Wireless debugging > Pair device with pairing code, then type `shardloom pair "
        "HOST:PORT CODE` with what it shows."
    ),
    "phone.refused_connection": message(
        "{phone} refused the connection: no debugging listens there."
    ),
    "phone.silent_on_network": message(
        "{phone} does not answer: is the phone on, awake and on this network?"
    ),
    "phone.without_server": message("{transport}: no adb server forwards its port {port}."),
    "usb.failed": message("{phone}: {reason}."),
    "usb.forbidden": message(
        "{phone}: this user may not use it: install android-sdk-platform-tools-common, plug "
        "it in again."
    ),
    "usb.held": message(
        "{phone}: another program holds it: leave it to its adb server, or type `adb kill-server`."
    ),
    "usb.silent": message("{phone}: it does not answer."),
    "usb.takes_nothing": message("{phone}: it takes no more data."),
    "usb.unplugged": message("{phone}: it was unplugged."),
    "usb.unreadable": message("Phones on USB cannot be looked for ({reason})."),
    "usb.without_library": message(
        "Phones on USB need an adb server or libusb: type `sudo apt-get install "
        "libusb-1.0-0`, or `adb start-server`."
    ),
}
ADVICE: Final[Mapping[str, Message]] = {
    "paired_phones.odd": message("Remove it and pair again."),
    "paired_phones.unreadable": message("Remove it and pair again."),
    "phone.hangs_up": message("End the other connection, or restart debugging on the phone."),
    "phone.refused_connection": message(
        "Wireless debugging shows its port on the phone's screen; `adb tcpip 5555` opens one."
    ),
}
