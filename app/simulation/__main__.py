"""`python -m app.simulation --seed 123`: play seeds out and tell of each that does not hold."""

from __future__ import annotations

import argparse
import io
import logging
import sys
from contextlib import nullcontext, redirect_stderr

from app.simulation.scenario import run_seed


def main() -> int:
    """Run the seeds asked for; return 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m app.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1, help="how many seeds from there on")
    parser.add_argument("--log", action="store_true", help="show what the rack logs")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO if arguments.log else logging.CRITICAL)
    broken = 0
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        with nullcontext() if arguments.log else redirect_stderr(io.StringIO()):
            report = run_seed(seed)
        broken += bool(report.problems)
        if report.problems or arguments.count == 1:
            sys.stdout.write(f"{report.line}\n{report}\n")
    sys.stdout.write(f"seeds: {arguments.count}, broken: {broken}\n")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
