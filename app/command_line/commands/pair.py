"""`shardloom pair`: makes a phone with wireless debugging accept this computer."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.command_line.failures import WrongUsageError
from app.command_line.output.qr_drawing import draw_qr
from app.command_line.output.terminal import print_json, print_line, progress_console
from app.core.facts import Fact
from app.devices.adb.keys import host_key
from app.devices.discovery.pairer import Pairer
from app.devices.wireless.network_browser import NetworkBrowser
from app.devices.wireless.paired_phones import PairedPhones
from app.devices.wireless.progress import PairedPhone
from app.devices.wireless.qr_text import new_request
from app.rack.home import Home
from app.rack.phones.connecting import PAIRING_SERVICES
from app.words.sentences import fact_text, reason_text


def execute(arguments: argparse.Namespace) -> int:
    """Pair by code or by QR code, connect, and say which phone it is."""
    if arguments.qr == bool(arguments.code):
        raise WrongUsageError("pairing.code_or_qr")
    home = Home(arguments.home)
    home.prepare()
    keys = home.keys
    with NetworkBrowser(PAIRING_SERVICES, arguments.interface) as browser:
        pairer = Pairer(host_key(keys, Path.home()), PairedPhones(keys), browser)
        phone = _by_qr(pairer, arguments.timeout) if arguments.qr else _by_code(pairer, arguments)
    _report(phone, as_json=arguments.json)
    return 0


def _by_code(pairer: Pairer, arguments: argparse.Namespace) -> PairedPhone:
    return pairer.by_code(arguments.address, arguments.code)


def _by_qr(pairer: Pairer, timeout_s: float) -> PairedPhone:
    console, request = progress_console(), new_request()
    draw_qr(console, request.text)
    console.print(fact_text(Fact("pairing.how_to_scan")), soft_wrap=True)
    return pairer.by_qr(request, timeout_s)


def _report(phone: PairedPhone, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "paired": phone.guid,
                "connected": phone.serial is not None,
                "serial": phone.serial,
                "address": phone.address,
                "reason": reason_text(phone.reason),
                "code": phone.reason.code if phone.reason else "",
            }
        )
    elif phone.serial is None:
        reason = phone.reason or ""
        print_line(fact_text(Fact("pairing.not_connected", phone=phone.guid, reason=reason)))
    else:
        address = phone.address or ""
        told = Fact("pairing.connected", phone=phone.serial, address=address)
        print_line(fact_text(told))
        print_line(fact_text(Fact("pairing.to_wifi_rack")))
