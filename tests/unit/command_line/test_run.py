"""The terminal against a real rack of virtual phones."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.__main__ import main
from app.models.library import Library
from app.models.whole import run_whole

START_DEADLINE_S = 80.0
PATIENCE = ("--patience", "5")
"""For phones that are only slow, as on a crowded machine."""
POLL_INTERVAL_S = 0.1
PHONE = """
[[phones]]
serial = "QUIET-{number}"
name = "Quiet {number}"
manufacturer = "Nobody"
android_version = "14"
cores = 4
memory_bytes = 4_000_000_000
battery_percent = 80
temperature_celsius = 30.0
"""
UNAUDITED_RACK = "\n".join(
    [
        'use = "all"',
        "audit_rate = 0.0",
        'check_everything = "off"',
        *(PHONE.format(number=number) for number in (1, 2)),
    ]
)


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main([*arguments, "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert isinstance(outcome, dict)
    return outcome


def test_a_trace_that_cannot_be_written_is_refused_before_a_rack_is_opened(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = home / "not" / "there.json"
    run = ("run", "demo", "--prompt", "x", "--trace", str(nowhere), "--home", str(home))
    assert main([*run, "--rack", "virtual:2"]) == 1
    refused = capsys.readouterr().err
    assert refused.count("\n") == 1
    assert str(nowhere) in refused
    assert not (home / "ledger").exists()


def test_several_streams_are_listed_and_devices_and_plan_tell_the_rack(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rack = ("--rack", "virtual:2", "--home", str(home), *PATIENCE)
    several = ("--token-ids", "5,6,7", "--tokens", "4", "--streams", "2")
    outcome = run_json(capsys, "run", "demo", *rack, *several)
    streams = outcome["streams"]
    assert isinstance(streams, list)
    library = Library(home)
    expected = run_whole(library.get("demo"), library, (5, 6, 7), 4)
    assert [stream["token_ids"] for stream in streams] == [expected] * 2
    assert outcome["token_ids"] == expected
    assert outcome["receipts"] == 4

    devices = run_json(capsys, "devices", *rack)["devices"]
    assert isinstance(devices, list)
    assert [device["position"] for device in devices] == [1, 2]
    assert all(device["weight_bytes_per_second"] > 0 for device in devices)

    plan = run_json(capsys, "plan", "demo", *rack, "--objective", "latency")
    assert plan["objective"] == "latency"
    planned = plan["assignment"]
    assert isinstance(planned, list)
    assert {stage["serial"] for stage in planned} == {device["serial"] for device in devices}


def test_a_run_without_audits_is_settled_and_nowhere_called_verified(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home.parent / "unaudited.toml"
    file.write_text(UNAUDITED_RACK)
    rack = ("--rack", str(file), "--home", str(home), *PATIENCE)
    prompt = ("--token-ids", "5,6,7", "--tokens", "4")
    outcome = run_json(capsys, "run", "demo", *rack, *prompt)
    counts = [outcome[name] for name in ("verified_tokens", "audited_stages", "stages", "audits")]
    assert counts == [0, 0, 2, 0]
    assert main(["run", "demo", *rack, *prompt]) == 0
    printed = capsys.readouterr()
    assert "Checked    settled, 0 of 2 stages audited" in printed.out.splitlines()
    assert "verified" not in printed.out + printed.err


def test_without_a_display_the_main_job_runs_in_the_terminal_and_says_so(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--rack", "virtual:1", "--home", str(home), *PATIENCE]) == 0
    captured = capsys.readouterr()
    assert "No display here" in captured.err
    assert captured.out.startswith("In the beginning")
    assert "40 tokens" in captured.out


def test_a_termination_signal_settles_what_was_done_and_leaves_no_phone_behind(home: Path) -> None:
    command = [sys.executable, "-m", "app", "run", "demo", "--rack", "virtual:1"]
    command += ["--prompt", "x", "--tokens", "1000", "--home", str(home), *PATIENCE]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        phones = wait_for_phones(process.pid)
        process.send_signal(signal.SIGTERM)
        _output, errors = process.communicate(timeout=START_DEADLINE_S)
    assert process.returncode == 1
    assert errors.decode().splitlines()[-1] == "shardloom: Stopped before it was done."
    assert b"Traceback" not in errors
    assert not [phone for phone in phones if is_alive(phone)]
    assert main(["ledger", "verify", "--home", str(home)]) == 0


def command_line(process: psutil.Process) -> str:
    """Return how a process was started; empty where it has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process still runs; one that only waits to be buried does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for_phones(process_id: int) -> list[psutil.Process]:
    deadline_s = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline_s:
        phones = [
            child
            for child in psutil.Process(process_id).children(recursive=True)
            if "workers" in command_line(child)
        ]
        if phones:
            return phones
        time.sleep(POLL_INTERVAL_S)
    raise AssertionError("no worker started")
