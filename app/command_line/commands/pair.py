"""`shardloom pair`: makes a phone with wireless debugging accept this computer."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.command_line.failures import WrongUsageError
from app.command_line.output.qr_drawing import draw_qr
from app.command_line.output.terminal import print_json, print_line, progress_console
from app.devices.adb.keys import host_key
from app.devices.discovery.pairer import Pairer
from app.devices.wireless.network_browser import NetworkBrowser
from app.devices.wireless.paired_phones import PairedPhones
from app.devices.wireless.progress import PairedPhone
from app.devices.wireless.qr_text import new_request
from app.rack.home import Home
from app.rack.phones.connecting import PAIRING_SERVICES

HOW_TO_SCAN = (
    "On the phone: Developer options > Wireless debugging > Pair device with QR code, then point "
    "it here. Waiting ..."
)


def execute(arguments: argparse.Namespace) -> int:
    """Pair by code or by QR code, connect, and say which phone it is."""
    if arguments.qr == bool(arguments.code):
        raise WrongUsageError("Give HOST:PORT and CODE as the phone shows them, or --qr.")
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
    console.print(HOW_TO_SCAN, soft_wrap=True)
    return pairer.by_qr(request, timeout_s)


def _report(phone: PairedPhone, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "paired": phone.guid,
                "connected": phone.serial is not None,
                "serial": phone.serial,
                "address": phone.address,
                "reason": phone.reason,
            }
        )
    elif phone.serial is None:
        print_line(f"Paired with {phone.guid}, but not connected: {phone.reason}.")
    else:
        print_line(f"Paired with {phone.serial} and connected at {phone.address}.")
        print_line("It belongs to the rack `wifi` from now on.")
