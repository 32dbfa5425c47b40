"""The wheel, installed where no checkout is near: everything it needs is in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("LICENSE", "README.md", "THIRD_PARTY.md", "pyproject.toml", "setup.py")
PACKAGES = ("app", "assets", "packaging", "workers")
RUN = ("run", "demo", "--rack", "virtual:2", "--prompt", "In the beginning", "--tokens", "8")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it from a copy of the checkout, without a network."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for name in SOURCES:
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(out), str(source))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install it in an environment of its own, whose libraries are the tests' own."""
    environment = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(environment, symlinks=True)
    pip("--python", str(environment / "bin" / "python"), "install", str(wheel))
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    yield environment
    shutil.rmtree(environment)


def pip(*arguments: str) -> None:
    options = {"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", *arguments], env=os.environ | options, check=True
    )


def shardloom(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program in a folder that is also its home, and knows no checkout."""
    return subprocess.run(
        [installed / "bin" / "shardloom", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_wheel_carries_every_asset_and_every_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    assets = {path.relative_to(ROOT) for path in files if "__pycache__" not in path.parts}
    assert {f"app/{path.as_posix()}" for path in assets} <= names
    licences = {name.partition("/licenses/")[2] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "THIRD_PARTY.md", "assets/LICENSES.md"}
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"app", "workers"}


def test_the_wheel_carries_every_module(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = [path for room in ("app", "workers") for path in (ROOT / room).rglob("*.py")]
    assert {path.relative_to(ROOT).as_posix() for path in modules} <= names


def test_the_demo_runs_from_another_folder_and_tells_nobody(
    installed: Path, tmp_path: Path
) -> None:
    ended = shardloom(installed, tmp_path, *RUN, "--patience", "5", "--json")
    assert ended.returncode == 0, ended.stderr
    outcome = json.loads(ended.stdout)
    assert len(outcome["token_ids"]) == 8
    assert outcome["receipts"] == 2
    phones = list(tmp_path.glob(".local/share/shardloom/virtual/*/rootfs/data/local/tmp/*/store"))
    assert len(phones) == 2
    assert [*tmp_path.rglob(".onnxruntime"), *tmp_path.rglob("deviceid")] == []


def test_the_runtime_for_phones_is_built_by_what_the_wheel_carries(
    installed: Path, tmp_path: Path
) -> None:
    """As far as the first download, for which there is no network here."""
    nowhere = "http://127.0.0.1:9/nothing"
    mirrors = ("--mirror", nowhere, "--security-mirror", nowhere)
    ended = shardloom(installed, tmp_path, "runtime", "build", "--abi", "x86_64", *mirrors)
    assert ended.returncode != 0
    lines = ended.stderr.splitlines()
    assert "fetching Debian packages and wheels for x86_64" in lines[0]
    assert "Traceback" not in ended.stderr
    (locks,) = installed.glob("lib/python*/site-packages/app/runtime_builder/locks")
    assert [each.name for each in locks.iterdir()] == ["runtime.txt"]
    lock = (ROOT / "packaging" / "locks" / "runtime.txt").read_text()
    assert (locks / "runtime.txt").read_text() == lock


def test_doctor_finds_the_program_whole_and_then_tells_what_is_missing(
    installed: Path, tmp_path: Path
) -> None:
    assert program_files(installed, tmp_path)["passed"]
    (model,) = installed.glob("lib/python*/site-packages/app/assets/demo_model/model.safetensors")
    hidden = model.rename(model.with_suffix(".hidden"))
    try:
        told = program_files(installed, tmp_path)
    finally:
        hidden.rename(model)
    assert not told["passed"]
    assert told["needed"]
    assert "demo_model/model.safetensors" in str(told["detail"])


def program_files(installed: Path, folder: Path) -> dict[str, object]:
    told = json.loads(shardloom(installed, folder, "doctor", "--json").stdout)
    (check,) = [each for each in told["checks"] if each["name"] == "Program files"]
    assert isinstance(check, dict)
    return check
