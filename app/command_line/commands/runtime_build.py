"""`shardloom runtime build`: the runtime for phones, built by a program of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys

from app.core.assets import RUNTIME_BUILDER
from app.core.errors import ShardloomError, reason_of

_PASSED_ON = ("abi", "out", "mirror", "security_mirror")


def execute(arguments: argparse.Namespace) -> int:
    """Build it and return the builder's status, which says on standard error how it goes."""
    given = {name: getattr(arguments, name) for name in _PASSED_ON}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value]
    try:
        return subprocess.run(  # noqa: S603 - our own program
            [sys.executable, RUNTIME_BUILDER / "build.py", *options], check=False
        ).returncode
    except OSError as error:
        raise ShardloomError("phone_runtime.not_built", reason=reason_of(error)) from error
