"""Options of every command that works on a rack; they may stand before the command too."""

from __future__ import annotations

import argparse
from typing import Final

from app.command_line.option_types import positive, seconds, share
from app.core.audit_outcome import CheckMode
from app.placement.rebalancing.setting import Balancing

RACK_HELP: Final = (
    "virtual:N, a rack file or its name, usb, wifi, server:HOST:PORT or HOST:PORT;"
    " default: phones found here"
)
PATIENCE_HELP: Final = "how many times longer than usual phones may take to answer; default: 1"
BALANCING_HELP: Final = (
    "whether layers move by themselves where that has become clearly better;"
    " default: the rack's own, on for simulated phones and ask for real ones"
)
PAUSE_LIMIT_HELP: Final = (
    "how long a request waits where too few phones are there, 0 to fail at once;"
    " default: the rack's own, 600 unless its file says otherwise"
)
AUDIT_RATE_HELP: Final = (
    "share of receipts that this computer audits, 0 to 1; default: the rack's own, 0.1 for real"
    " phones unless its file says otherwise"
)
CHECK_HELP: Final = (
    "whether this computer checks every token of each text; default: the rack's own, auto unless"
    " its file says otherwise, which does where it takes less than a tenth of the text's time and"
    " on simulated phones"
)
NO_RACK_OPTIONS: Final = (None, 1.0, None, None, None, None)
"""What the parser of all commands begins with; a command's own leaves it as it is."""


def add_rack(
    parser: argparse.ArgumentParser,
    rack: object = argparse.SUPPRESS,
    patience: object = argparse.SUPPRESS,
    pause_limit: object = argparse.SUPPRESS,
    balancing: object = argparse.SUPPRESS,
    audit_rate: object = argparse.SUPPRESS,
    check_everything: object = argparse.SUPPRESS,
) -> None:
    """Add the options with these values where they are not given."""
    modes = tuple(mode.value for mode in Balancing)
    parser.add_argument("--rack", default=rack, help=RACK_HELP)
    parser.add_argument(
        "--patience",
        type=positive(float),
        default=patience,
        metavar="TIMES",
        help=PATIENCE_HELP,
    )
    parser.add_argument(
        "--pause-limit",
        type=seconds,
        default=pause_limit,
        metavar="SECONDS",
        help=PAUSE_LIMIT_HELP,
    )
    parser.add_argument("--balancing", choices=modes, default=balancing, help=BALANCING_HELP)
    parser.add_argument(
        "--audit-rate", type=share, default=audit_rate, metavar="SHARE", help=AUDIT_RATE_HELP
    )
    checks = tuple(mode.value for mode in CheckMode)
    parser.add_argument(
        "--check-everything", choices=checks, default=check_everything, help=CHECK_HELP
    )
