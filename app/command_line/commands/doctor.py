"""`shardloom doctor`: what this machine has, what it lacks and how to mend it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.command_line.machine.doctor_checks import Check, all_checks
from app.command_line.machine.doctor_files import check_assets, check_telemetry
from app.command_line.machine.doctor_runtime import check_worker_runtime
from app.command_line.output.terminal import print_json, print_line


def execute(arguments: argparse.Namespace) -> int:
    """Print every check; the exit status is 1 where something needed is missing."""
    files = (check_assets(), check_telemetry())
    checks = (*all_checks(arguments.home), *files, check_worker_runtime())
    healthy = all(check.passed or not check.needed for check in checks)
    if arguments.json:
        print_json({"healthy": healthy, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            print_line(_line(check))
    return 0 if healthy else 1


def _line(check: Check) -> str:
    verdict = "ok      " if check.passed else "missing " if check.needed else "without "
    mend = f" Mend: {check.mend}" if not check.passed else ""
    return f"{verdict}{check.name}: {check.detail}{mend}"
