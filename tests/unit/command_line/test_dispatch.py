from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.command_line import dispatch
from app.core.errors import BadInputError


@pytest.fixture(autouse=True)
def _same_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def doctor_that(monkeypatch: pytest.MonkeyPatch, act: Callable[[], int]) -> None:
    module = types.ModuleType("app.command_line.commands.doctor")

    def execute(_arguments: argparse.Namespace) -> int:
        return act()

    module.__dict__["execute"] = execute
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_an_expected_failure_is_status_1_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise BadInputError("That will not do.")

    doctor_that(monkeypatch, fail)
    assert dispatch.run_command(["doctor"]) == 1
    assert capsys.readouterr().err == "shardloom: That will not do.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("pair",),
        ("pair", "--qr", "127.0.0.1:1", "123456"),
        ("run", "demo", "--prompt", "x", "--system", "Be brief."),
        ("run", "demo", "--prompt", "x", "--language", "German"),
        ("run", "demo", "--prompt", "x", "--task", "translate"),
        ("run", "demo", "--token-ids", "1", "--chat"),
        ("embed", "demo"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage_and_one_line(
    arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dispatch.run_command([*arguments, "--home", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("shardloom: ")


def test_a_termination_signal_ends_a_command_like_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def be_terminated() -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    doctor_that(monkeypatch, be_terminated)
    assert dispatch.run_command(["doctor"]) == 1
    assert "Stopped" in capsys.readouterr().err


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down() -> int:
        raise KeyError("bug")

    doctor_that(monkeypatch, break_down)
    with pytest.raises(KeyError):
        dispatch.run_command(["doctor"])


def test_help_loads_neither_qt_nor_onnxruntime_nor_numpy() -> None:
    script = (
        "import sys; from app.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'PySide6', 'onnxruntime', 'numpy', 'zmq'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()


def test_a_run_on_an_open_rack_loads_nothing_that_only_the_rack_needs() -> None:
    script = (
        "import sys; import app.command_line.commands.run, app.rack.door.remote_rack\n"
        "heavy = {'numpy', 'zmq', 'cryptography', 'sqlite3', 'sqlite_utils'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
