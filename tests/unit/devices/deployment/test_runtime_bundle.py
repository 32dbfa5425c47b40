from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from zipimport import zipimporter

import pytest

from app.devices.deployment.runtime_bundle import (
    NO_PYTHON_EXIT_CODE,
    RuntimeBundle,
    build_runtime_bundle,
    compiled,
)
from workers.engine.memory import LARGE_PAGES


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> RuntimeBundle:
    root = folder / "sample_worker"
    (root / "inner").mkdir(parents=True, exist_ok=True)
    (root / "__pycache__").mkdir(exist_ok=True)
    (root / "__pycache__" / "old.py").write_text("")
    (root / "__init__.py").write_text("")
    (root / "inner" / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    return build_runtime_bundle("sample_worker")


def test_the_same_sources_make_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = package(tmp_path, monkeypatch, "a = 1\n")
    os.utime(tmp_path / "sample_worker" / "__init__.py", (1, 1))
    assert build_runtime_bundle("sample_worker") == first
    assert first.version == hashlib.sha256(first.archive).hexdigest()
    assert package(tmp_path, monkeypatch, "a = 2\n").version != first.version
    assert zipfile.ZipFile(io.BytesIO(first.archive)).namelist() == [
        "sample_worker/__init__.py",
        "sample_worker/__init__.pyc",
        "sample_worker/inner/__init__.py",
        "sample_worker/inner/__init__.pyc",
    ]
    assert str(tmp_path).encode() not in first.archive


def test_a_python_of_this_version_compiles_nothing_and_any_other_the_source(tmp_path: Path) -> None:
    source = b"told = 'source'\n"
    ours = compiled("sample.py", b"told = 'compiled'\n")
    another = (int.from_bytes(ours[:2], "little") ^ 1).to_bytes(2, "little") + ours[2:]
    for content, told in ((ours, "compiled"), (another, "source")):
        archive = tmp_path / f"{told}.zip"
        with zipfile.ZipFile(archive, "w") as target:
            target.writestr("sample.py", source)
            target.writestr("sample.pyc", content)
        code = zipimporter(str(archive)).get_code("sample")
        found: dict[str, str] = {}
        exec(code, found)  # noqa: S102 - the test's own
        assert found["told"] == told


def test_the_workers_package_is_whole_in_the_archive(tmp_path: Path) -> None:
    archive = tmp_path / "workers.zip"
    archive.write_bytes(build_runtime_bundle().archive)
    found = subprocess.run(
        [
            sys.executable,
            "-s",
            "-c",
            "import workers.protocol.wire; print(workers.protocol.wire.__file__)",
        ],
        env={"PYTHONPATH": str(archive)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert found.startswith(str(archive))


def run_script(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    (folder / "run").write_bytes(RuntimeBundle(b"", "0" * 64).run_script)
    return subprocess.run(
        ["/bin/sh", "./run", "worker.json"],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_without_python_the_script_says_what_is_missing(tmp_path: Path) -> None:
    result = run_script(tmp_path, str(tmp_path / "empty"))
    assert result.returncode == NO_PYTHON_EXIT_CODE
    assert "runtime bundle is missing" in result.stderr


def test_a_bundled_python_is_preferred(tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "python3", 'echo "system $@"')
    assert (
        run_script(tmp_path, str(tmp_path / "bin")).stdout == "system -s -m workers worker.json\n"
    )
    executable(tmp_path / "runtime/lib/ld-linux-test.so.1", 'echo "bundled $@"; echo $PYTHONHOME')
    assert run_script(tmp_path, str(tmp_path / "bin")).stdout.splitlines() == [
        "bundled --library-path runtime/lib runtime/lib/python3 -s -S -OO -m workers worker.json",
        str(tmp_path / "runtime"),
    ]


def test_the_worker_is_started_with_large_pages(tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "python3", 'echo "$GLIBC_TUNABLES"')
    asked = run_script(tmp_path, str(tmp_path / "bin")).stdout
    assert asked.strip() == LARGE_PAGES["GLIBC_TUNABLES"]
