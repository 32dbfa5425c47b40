"""`shardloom devices clean`: nothing of Shardloom is left on the phones of a rack."""

from __future__ import annotations

import argparse

from app.command_line.options import rack_options
from app.command_line.output.terminal import print_fact, print_json
from app.core.assets import ASSETS
from app.core.facts import Fact
from app.devices.deployment.deployment import Removed
from app.rack.home import Home
from app.rack.phones.cleaning import CleanedPhone, clean_rack
from app.words.sentences import reason_text


def execute(arguments: argparse.Namespace) -> int:
    """Clean every phone and say what was removed; 1 where a phone could not be cleaned."""
    options = rack_options(arguments)
    phones = clean_rack(options.rack, Home(options.home), ASSETS, take=options.take)
    if arguments.json:
        print_json({"devices": [_report(phone) for phone in phones]})
    else:
        for phone in phones:
            print_fact(Fact("clean.phone", phone=phone.serial, outcome=_outcome(phone)))
    return 0 if all(phone.removed for phone in phones) else 1


def _report(phone: CleanedPhone) -> dict[str, object]:
    removed = phone.removed
    return {
        "serial": phone.serial,
        "cleaned": removed is not None,
        "reason": reason_text(phone.reason),
        "code": phone.reason and phone.reason.code,
        "removed_files": removed and removed.files,
        "removed_bytes": removed and removed.size_bytes,
        "worker_ended": removed and removed.worker_ended,
    }


def _outcome(phone: CleanedPhone) -> Fact:
    removed = phone.removed
    if removed is None:
        return Fact("clean.not_cleaned", reason=phone.reason or "")
    if removed == Removed():
        return Fact("clean.nothing_there")
    code = "clean.removed_with_worker" if removed.worker_ended else "clean.removed"
    return Fact(code, files=removed.files, size=removed.size_bytes)
