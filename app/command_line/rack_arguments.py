"""Options of every command that works on a rack; they may stand before the command too."""

from __future__ import annotations

import argparse
from typing import Final

from app.command_line.option_types import (
    celsius,
    folder,
    memory_share,
    percent,
    positive,
    seconds,
    share,
)
from app.core.audit_outcome import CheckMode
from app.placement.problem import Objective
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
EXCLUDE_HELP: Final = "a phone, by name or serial, that is to hold no layers; may be repeated"
TRUST_HELP: Final = "a phone that may see prompt and answer with --private; may be repeated"
PRIVATE_HELP: Final = "put the first and the last layers on trusted phones only"
REPUTATION_HELP: Final = "give no layers to phones of less reputation, 0 to 1"
BATTERY_HELP: Final = "give no layers to phones that drain and have less left, 0 to 100"
HEAT_HELP: Final = "give no layers to phones that are warmer, in degrees Celsius"
OBJECTIVE_HELP: Final = (
    "what plans are made for; price: the cheapest phones that are quick enough; default: the rack's"
    " own"
)
LATENCY_HELP: Final = "buying by price: what a token of one request may take, in milliseconds"
RATE_HELP: Final = "buying by price: tokens a second of all requests together, at least"
AUDIT_RATE_HELP: Final = (
    "share of receipts that this computer audits, 0 to 1; default: the rack's own, 0.1 for real"
    " phones unless its file says otherwise"
)
AUDITORS_HELP: Final = (
    "the scheduler of a Dask cluster that audits receipts, tcp://HOST:PORT; default: this computer"
)
AUDITORS_TLS_HELP: Final = (
    "a folder with ca.pem, cert.pem and key.pem: TLS to that cluster, on both sides"
)
CHECK_HELP: Final = (
    "whether this computer checks every token of each text; default: the rack's own, auto unless"
    " its file says otherwise, which does where it takes less than a tenth of the text's time and"
    " on simulated phones"
)
VERIFIERS_HELP: Final = (
    "whether idle phones audit others that compute alike, never of the same keeper nor with"
    " --private; default: the rack's own, off unless its file says otherwise"
)
TAKE_HELP: Final = (
    "take phones that work for another control centre: its worker on them ends, and its requests"
    " go on without them"
)
MEMORY_SHARE_HELP: Final = (
    "share of a phone's available memory that layers may take, 0.7 if not said; above 1 at your own"
    " risk; may be repeated"
)


def add_rack(parser: argparse.ArgumentParser, *, with_defaults: bool = False) -> None:
    """Add the options; a command's own leave what the parser of all commands begins with."""

    def default(value: object = None) -> object:
        return value if with_defaults else argparse.SUPPRESS

    parser.add_argument("--rack", default=default(), help=RACK_HELP)
    parser.add_argument(
        "--patience",
        type=positive(float),
        default=default(1.0),
        metavar="TIMES",
        help=PATIENCE_HELP,
    )
    parser.add_argument(
        "--pause-limit", type=seconds, default=default(), metavar="SECONDS", help=PAUSE_LIMIT_HELP
    )
    modes = tuple(mode.value for mode in Balancing)
    parser.add_argument("--balancing", choices=modes, default=default(), help=BALANCING_HELP)
    parser.add_argument(
        "--audit-rate", type=share, default=default(), metavar="SHARE", help=AUDIT_RATE_HELP
    )
    parser.add_argument("--auditors", default=default(), metavar="ADDRESS", help=AUDITORS_HELP)
    parser.add_argument(
        "--auditors-tls",
        type=folder,
        default=default(),
        metavar="FOLDER",
        help=AUDITORS_TLS_HELP,
    )
    checks = tuple(mode.value for mode in CheckMode)
    parser.add_argument("--check-everything", choices=checks, default=default(), help=CHECK_HELP)
    switch = ("on", "off")
    parser.add_argument("--verifiers", choices=switch, default=default(), help=VERIFIERS_HELP)
    parser.add_argument("--take", action="store_true", default=default(False), help=TAKE_HELP)
    parser.add_argument(
        "--memory-share",
        type=memory_share,
        action="append",
        default=default(),
        metavar="PHONE=SHARE",
        help=MEMORY_SHARE_HELP,
    )


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Add what may be asked of every plan; nothing where they are not given."""
    absent = argparse.SUPPRESS
    parser.add_argument(
        "--exclude", action="append", default=absent, metavar="PHONE", help=EXCLUDE_HELP
    )
    parser.add_argument(
        "--trust", action="append", default=absent, metavar="PHONE", help=TRUST_HELP
    )
    parser.add_argument("--private", action="store_true", default=absent, help=PRIVATE_HELP)
    parser.add_argument(
        "--least-reputation", type=share, default=absent, metavar="R", help=REPUTATION_HELP
    )
    parser.add_argument(
        "--least-battery", type=percent, default=absent, metavar="PERCENT", help=BATTERY_HELP
    )
    parser.add_argument(
        "--most-heat", type=celsius, default=absent, metavar="CELSIUS", help=HEAT_HELP
    )
    objectives = [objective.value for objective in Objective]
    parser.add_argument("--objective", choices=objectives, default=absent, help=OBJECTIVE_HELP)
    parser.add_argument(
        "--most-token-ms", type=positive(float), default=absent, metavar="MS", help=LATENCY_HELP
    )
    parser.add_argument(
        "--least-rate", type=positive(float), default=absent, metavar="TOKENS", help=RATE_HELP
    )
