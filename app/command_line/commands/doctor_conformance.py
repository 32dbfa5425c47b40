"""`shardloom doctor --conformance SERIAL`: whether a phone keeps the Inference Engine Standard."""

from __future__ import annotations

import argparse
from typing import Final

from app.command_line.options import rack_options
from app.command_line.output.progress import shown_progress
from app.command_line.output.terminal import print_json, print_line
from app.command_line.rack_session import RackSession, found_rack
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.core.standard.rules import Conformance, RuleOutcome
from app.rack.commands import Examine
from app.words.phones.standard import conformance_text
from app.words.sentences import fact_text

EXAMINE_LIMIT_S: Final = 300.0


def execute(arguments: argparse.Namespace) -> int:
    """Try every rule and print what came of it; the exit status is 1 where one is broken."""
    with found_rack(rack_options(arguments)) as session, shown_progress(session):
        session.wait_until_ready()
        serial = _serial(session, arguments.conformance)
        found = session.control.do(Examine(serial)).result(EXAMINE_LIMIT_S)
    if arguments.json:
        print_json(report(found))
    else:
        print_line(conformance_text(found))
    return 1 if found.broken else 0


def report(found: Conformance) -> dict[str, object]:
    """Return what came of the rules, ready for JSON."""
    return {
        "serial": found.serial,
        "standard": found.version,
        "numerical_class": found.numerical_class,
        "conforms": not found.broken,
        "rules": [_rule(each) for each in found.outcomes],
    }


def _rule(outcome: RuleOutcome) -> dict[str, object]:
    reason = outcome.reason
    return {
        "name": outcome.name.value,
        "holds": reason is None,
        "reason": None if reason is None else fact_text(reason),
    }


def _serial(session: RackSession, asked: str) -> Serial:
    """Return the phone of that serial. Raises `BadInputError` where the rack has none."""
    phones = session.control.snapshot().phones
    found = next((each.serial for each in phones if each.serial == asked), None)
    if found is None:
        raise BadInputError("standard.phone_unknown", phone=asked)
    return found
