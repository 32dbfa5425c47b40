"""`shardloom`: the command line, which leads to a front end."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from app.command_line.dispatch import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 not possible, 2 wrong usage."""
    return run_command(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
