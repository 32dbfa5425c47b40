"""The user unit: what it starts is a command that there is, and it may end in peace."""

from __future__ import annotations

import os
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from app.command_line.parser import build_parser
from app.command_line.rack_session import CLOSE_TIMEOUT_S

UNIT = Path(__file__).parents[3] / "packaging" / "systemd" / "shardloom.service"


@pytest.fixture
def service() -> dict[str, str]:
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(UNIT.read_text())
    return dict(unit["Service"])


def test_it_starts_serve_with_the_options_of_its_file(service: dict[str, str]) -> None:
    program, *arguments, options = service["ExecStart"].split()
    assert (Path(program).name, options) == ("shardloom", "$SHARDLOOM_SERVE")
    given = ["--rack", "usb", "--model", "demo", "--port", "8080"]
    assert build_parser().parse_args([*arguments, *given]).module == "serve"


def test_it_waits_for_the_rack_to_close(service: dict[str, str]) -> None:
    assert int(service["TimeoutStopSec"]) > CLOSE_TIMEOUT_S


def test_systemd_has_nothing_to_say_against_it(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: the unit was not checked by systemd")
    shardloom = tmp_path / "shardloom"
    shardloom.write_text("#!/bin/sh\n")
    shardloom.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("%h/.local/bin/shardloom", str(shardloom)))
    found = subprocess.run(
        [program, "--user", "verify", str(unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")
