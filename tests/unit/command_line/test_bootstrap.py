from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from app.command_line.machine import system_libraries

ROOT = Path(__file__).parents[3]
LOCKS = ROOT / "packaging" / "locks"
PIN = re.compile(r"^[\w.-]+==[\w.]+( \\)?$")


@pytest.fixture
def bootstrap() -> ModuleType:
    specification = importlib.util.spec_from_file_location(
        "bootstrap", ROOT / "packaging" / "bootstrap.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["build.txt", "runtime.txt", "test.txt", "import.txt", "cuda.txt"])
def test_a_lock_pins_every_package_exactly_and_names_no_address(name: str) -> None:
    text = (LOCKS / name).read_text()
    lines = [line for line in text.splitlines() if line and line[0] not in " #"]
    assert lines
    assert [line for line in lines if not PIN.match(line)] == []
    assert "://" not in text
    assert ("--hash=" in text) is (name not in ("import.txt", "cuda.txt"))


def test_running_never_installs_torch_and_testing_does() -> None:
    assert "torch==" not in (LOCKS / "runtime.txt").read_text()
    assert "torch==2.13.0" in (LOCKS / "import.txt").read_text()


def test_what_torch_brings_along_for_cuda_is_constrained_too(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    constrained = re.findall(r"^([\w-]+)==", (LOCKS / "cuda.txt").read_text(), re.MULTILINE)
    assert {"cuda-bindings", "cuda-toolkit", "nvidia-cublas", "triton"} <= set(constrained)
    installed: list[tuple[object, ...]] = []
    monkeypatch.setattr(bootstrap, "pip", lambda *arguments: installed.append(arguments))
    bootstrap.install_test()
    torch = installed[-1]
    assert torch[torch.index("-r") + 1] == LOCKS / "import.txt"
    assert torch[torch.index("-c") + 1] == LOCKS / "cuda.txt"


def test_locks_agree_with_one_another() -> None:
    pins: dict[str, set[str]] = {}
    for path in LOCKS.glob("*.txt"):
        for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text(), re.MULTILINE):
            pins.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}


def test_a_stage_is_installed_again_only_after_its_locks_changed(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()
    for path in LOCKS.glob("*.txt"):
        (locks / path.name).write_bytes(path.read_bytes())
    installed: list[str] = []
    monkeypatch.setattr(bootstrap, "LOCKS", locks)
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(bootstrap, "install_runtime", lambda: installed.append("runtime"))
    bootstrap.install_stage("runtime")
    bootstrap.install_stage("runtime")
    assert installed == ["runtime"]
    with (locks / "runtime.txt").open("a") as lock:
        lock.write("one-more==1.0\n")
    bootstrap.install_stage("runtime")
    assert installed == ["runtime", "runtime"]


def test_a_failed_install_is_tried_again(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise SystemExit("no line")

    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(bootstrap, "install_runtime", fail)
    for _try in range(2):
        with pytest.raises(SystemExit):
            bootstrap.install_stage("runtime")


def test_without_rights_the_line_to_type_is_shown(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_libraries, "missing_libraries", lambda: ("libxcb-cursor.so.0",))
    monkeypatch.setattr(system_libraries, "missing_programs", lambda: ())
    monkeypatch.setattr(bootstrap, "administrator", lambda **_asking: None)
    with pytest.raises(SystemExit, match=r"sudo apt-get install libxcb-cursor0$"):
        bootstrap.require_system("test")


@pytest.mark.parametrize(
    ("purpose", "display", "packages"),
    [
        ("run", "", ["python3.{}-venv"]),
        ("run", ":0", ["libxcb-cursor0", "python3.{}-venv"]),
        ("test", "", ["libxcb-cursor0", "python3.{}-venv", "xvfb"]),
    ],
)
def test_one_line_names_all_that_is_missing_before_anything_is_made_or_loaded(
    purpose: str,
    display: str,
    packages: list[str],
    bootstrap: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.setenv(name, display)
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", purpose])
    monkeypatch.setattr(bootstrap, "administrator", lambda **_asking: None)
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "INTERPRETER", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(system_libraries, "missing_libraries", lambda: ("libxcb-cursor.so.0",))
    monkeypatch.setattr(system_libraries, "missing_programs", lambda: ("Xvfb",))
    with pytest.raises(SystemExit) as refusal:
        bootstrap.main()
    named = " ".join(packages).format(sys.version_info.minor)
    assert str(refusal.value).endswith(f"Type: sudo apt-get install {named}")
    assert len(str(refusal.value).splitlines()) == 1
    assert not (tmp_path / ".venv").exists()


def test_the_look_needs_nothing_but_python(tmp_path: Path) -> None:
    program = (
        "import runpy, sys; sys.path.insert(0, '.')\n"
        "names = runpy.run_path('packaging/bootstrap.py')\n"
        "print(names['missing_packages']('test') is not None)"
    )
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "True\n", answer.stderr


@pytest.mark.parametrize(
    ("terminal", "asking", "asked"),
    [(True, True, True), (False, True, False), (True, False, False)],
)
def test_sudo_asks_once_where_somebody_can_answer(
    *,
    terminal: bool,
    asking: bool,
    asked: bool,
    bootstrap: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(bootstrap.shutil, "which", lambda program: program)
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bootstrap.sys.stdin, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(bootstrap, "run_quietly", lambda *_command: False)

    def answered(*command: str) -> bool:
        commands.append(command)
        return True

    monkeypatch.setattr(bootstrap, "run", answered)
    assert (bootstrap.administrator(asking=asking) is not None) is asked
    assert commands == [("sudo", "-v")] * asked


def test_torch_comes_from_where_it_is_said(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHARDLOOM_TORCH", raising=False)
    assert bootstrap.torch_source() == ()
    monkeypatch.setenv("SHARDLOOM_TORCH", str(tmp_path))
    assert bootstrap.torch_source() == ("--find-links", str(tmp_path))
    monkeypatch.setenv("SHARDLOOM_TORCH", "https://an.index/cpu")
    assert bootstrap.torch_source() == ("--extra-index-url", "https://an.index/cpu")
