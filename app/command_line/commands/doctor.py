"""`shardloom doctor`: what this machine has, what it lacks and how to mend it."""

from __future__ import annotations

import argparse

from app.command_line.commands import doctor_conformance
from app.command_line.machine.doctor_checks import Check, all_checks
from app.command_line.machine.doctor_files import check_assets, check_telemetry
from app.command_line.machine.doctor_runtime import check_worker_runtime
from app.command_line.output.terminal import print_json, print_line
from app.core.facts import Fact
from app.words.catalogue import tr
from app.words.sentences import fact_text, facts_text, sentence


def execute(arguments: argparse.Namespace) -> int:
    """Print every check, or examine a phone; the exit status is 1 where something is missing."""
    if arguments.conformance is not None:
        return doctor_conformance.execute(arguments)
    files = (check_assets(), check_telemetry())
    checks = (*all_checks(arguments.home), *files, check_worker_runtime())
    healthy = all(check.passed or not check.needed for check in checks)
    if arguments.json:
        print_json({"healthy": healthy, "checks": [_table(check) for check in checks]})
    else:
        for check in checks:
            print_line(_line(check))
    return 0 if healthy else 1


def _table(check: Check) -> dict[str, object]:
    """Return a check for programs: its name is the same in every language."""
    return {
        "name": check.name,
        "passed": check.passed,
        "code": check.detail.code,
        "detail": fact_text(check.detail),
        "mend": facts_text(check.mend),
        "needed": check.needed,
    }


def _line(check: Check) -> str:
    name, detail, mend = tr(check.name), check.detail, check.mend
    if check.passed:
        return sentence(Fact("doctor.passed", name=name, detail=detail))
    code = "doctor.missing" if check.needed else "doctor.without"
    return sentence(Fact(code, name=name, detail=detail, mend=mend))
