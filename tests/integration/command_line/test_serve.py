"""`shardloom serve` as a program of its own: it says where it listens, serves, and ends cleanly."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx2

TIMEOUT_S = 120


def test_a_served_rack_answers_until_a_signal_ends_it(home: Path) -> None:
    command = [sys.executable, "-m", "app", "serve", "--rack", "virtual:2", "--port", "0"]
    with subprocess.Popen(
        [*command, "--patience", "3", "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        address = program.stdout.readline().split()[-1]
        early = httpx2.get(address.replace("/v1", "/readyz"))
        assert early.json()["ready"] is (early.status_code == 200)
        assert program.stdout.readline().strip() == "Ready with demo", program.stderr.read()
        asked = {"model": "demo", "prompt": "In the beginning", "max_tokens": 3, "temperature": 0}
        answer = httpx2.post(f"{address}/completions", json=asked, timeout=TIMEOUT_S)
        assert answer.json()["choices"][0]["text"] == " of the c"
        program.send_signal(signal.SIGTERM)
        _, told = program.communicate(timeout=TIMEOUT_S)
    assert (program.returncode, told) == (0, "")
