"""Where PostgreSQL is missing and cannot be had, tests of it say so and go on."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from tests import postgres


@pytest.mark.parametrize("apt", ["/usr/bin/apt-get", None], ids=["unreachable", "no apt"])
@pytest.mark.parametrize("user", [0, 1000])
def test_they_skip_aloud_and_do_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apt: str | None, user: int
) -> None:
    tried: list[list[str]] = []

    def out_of_reach(command: list[str], timeout: float, **_: object) -> NoReturn:
        tried.append(command)
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", lambda name: apt if name == "apt-get" else None)
    monkeypatch.setattr(subprocess, "run", out_of_reach)
    with pytest.raises(pytest.skip.Exception, match="PostgreSQL is not installed"):
        postgres.PostgresServer(tmp_path)
    assert bool(tried) == (apt is not None and user == 0)
