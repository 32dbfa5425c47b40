from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.__main__ import main
from app.command_line.machine import doctor_checks
from app.command_line.machine.fonts import has_font
from app.command_line.machine.system_libraries import (
    QT_LIBRARIES,
    install_line,
    missing_files,
    missing_libraries,
    missing_programs,
)
from app.words.sentences import fact_text, facts_text

PATIENCE_S = 60.0


def test_doctor_prints_one_line_a_check_and_json_with_the_same_checks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["doctor", "--home", str(home)])
    lines = capsys.readouterr().out.splitlines()
    main(["doctor", "--home", str(home), "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert len(lines) == len(checks)
    assert not home.exists(), "doctor changes nothing"


def test_every_package_shardloom_declares_is_looked_for() -> None:
    declared = doctor_checks.declared_packages()
    assert {"onnxruntime", "pyzmq", "PySide6-Essentials"} <= set(declared)
    assert "torch" not in declared
    assert doctor_checks.check_packages().passed


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "declared_packages", lambda: ("numpy", "no-such-package"))
    check = doctor_checks.check_packages()
    assert not check.passed
    assert "no-such-package" in fact_text(check.detail)
    assert "numpy" not in fact_text(check.detail)


def test_a_home_below_a_file_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = doctor_checks.check_home(tmp_path / "file" / "home")
    assert not check.passed
    assert "--home" in facts_text(check.mend)


def test_an_adb_server_is_found_where_one_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "ADB_TIMEOUT_S", PATIENCE_S)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(server.getsockname()[1]))
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(answer_one, server)
            check = doctor_checks.check_adb_server()
            assert asked.result(PATIENCE_S) == b"000ehost:devices-l"
            assert check.passed
            assert "lists 0 phones" in fact_text(check.detail)


def answer_one(server: socket.socket) -> bytes:
    connection, _ = server.accept()
    with connection, connection.makefile("rb") as received:
        asked = received.read(len(b"000ehost:devices-l"))
        connection.sendall(b"OKAY0000")
    return asked


def test_no_adb_server_is_found_where_none_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(silent.getsockname()[1]))
        check = doctor_checks.check_adb_server()
    assert not check.passed
    assert "start-server" in fact_text(check.detail)


def test_a_server_variable_that_names_no_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "many")
    told = fact_text(doctor_checks.check_adb_server().detail)
    assert "ANDROID_ADB_SERVER_PORT: 'many'" in told


def test_missing_libraries_and_programs_lead_to_the_line_to_type() -> None:
    assert missing_libraries(["libno-such-thing.so.9"]) == ("libno-such-thing.so.9",)
    assert missing_libraries(["libc.so.6"]) == ()
    assert missing_programs(["no-such-program", "sh"]) == ("no-such-program",)
    assert install_line(["b", "a", "b"]) == "sudo apt-get install a b"


def test_qt_plugin_libraries_are_all_named_with_a_package() -> None:
    assert "libxcb-cursor.so.0" in QT_LIBRARIES
    assert all(package.startswith("lib") for package in QT_LIBRARIES.values())


def test_a_pattern_without_a_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "one.so").touch()
    present, absent = str(tmp_path / "*.so"), str(tmp_path / "*.dll")
    assert missing_files([present, absent]) == (absent,)


@pytest.mark.parametrize(("found", "passed"), [(True, True), (False, False), (None, False)])
def test_a_font_for_japanese_is_looked_for_and_not_needed(
    monkeypatch: pytest.MonkeyPatch, *, found: bool | None, passed: bool
) -> None:
    monkeypatch.setattr(doctor_checks, "has_font", lambda _: found)
    check = doctor_checks.check_fonts()
    assert (check.passed, check.needed) == (passed, False)
    assert ("not known" in fact_text(check.detail)) == (found is None)
    assert "fonts-noto-cjk" in facts_text(check.mend)


def test_whether_a_font_is_there_is_not_known_without_fontconfig(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert has_font("ja") is None
    program = tmp_path / "fc-list"
    for script, found in (("echo Some Sans", True), ("true", False), ("exit 1", None)):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        assert has_font("ja") is found
