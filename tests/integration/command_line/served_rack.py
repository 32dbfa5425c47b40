"""`shardloom serve` as a program of its own, and other programs that use the rack it has open."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

TIMEOUT_S = 120


def command(home: Path, *arguments: str) -> list[str]:
    """Return the command line of a program on a home."""
    return [sys.executable, "-m", "app", *arguments, "--home", str(home)]


@dataclass(frozen=True)
class ServedRack:
    """A rack that is open, and its address."""

    home: Path
    address: str
    program: subprocess.Popen[str]

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run another program on the same home to its end."""
        return subprocess.run(
            command(self.home, *arguments),
            input=given,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def report(self, *arguments: str) -> dict[str, Any]:
        """Return what another program prints as JSON."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return cast("dict[str, Any]", json.loads(done.stdout))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start another program on the same home."""
        return subprocess.Popen(
            command(self.home, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@contextmanager
def served(home: Path, rack: str, *more: str) -> Iterator[ServedRack]:
    """Serve a rack until the block ends; it has to end cleanly then."""
    arguments = ("serve", "--rack", rack, "--port", "0", "--patience", "3", *more)
    with subprocess.Popen(
        command(home, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        address = program.stdout.readline().split()[-1].removesuffix("/v1")
        try:
            assert program.stdout.readline().startswith("Ready with"), program.stderr.read()
            yield ServedRack(home, address, program)
        finally:
            program.send_signal(signal.SIGTERM)
            _, told = program.communicate(timeout=TIMEOUT_S)
    assert (program.returncode, told) == (0, "")
