"""No process of ours lets a library report to its maker: neither files nor connections."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import workers
from app.devices.deployment import phone_scripts
from app.devices.deployment.runtime_bundle import build_runtime_bundle

ROOT = Path(__file__).parents[3]
REPORTING = frozenset({"onnxruntime", "huggingface_hub", "transformers"})
"""Libraries that report unless told otherwise."""
SESSION = """
import importlib, sys, psutil
importlib.import_module(sys.argv[1])
import numpy, onnxruntime
from onnx import TensorProto, helper
value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", value[:1], value[1:])
opset = [helper.make_opsetid("", 17)]
model = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
session.run(None, {"x": numpy.zeros(1, numpy.float32)})
print(len(psutil.Process().net_connections("inet")))
"""


def loads_a_reporting_library(path: Path) -> bool:
    text, names = path.read_text(), set[str]()
    if not any(library in text for library in REPORTING):
        return False
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return bool(names & REPORTING)


def modules() -> list[str]:
    """Return our modules that load such a library; `__main__`s need torch and are told apart."""
    paths = (path for room in ("app", "workers") for path in (ROOT / room).rglob("*.py"))
    found = [path.relative_to(ROOT) for path in paths if loads_a_reporting_library(path)]
    return sorted(
        ".".join(path.with_suffix("").parts) for path in found if path.name != "__main__.py"
    )


def surroundings(home: Path) -> dict[str, str]:
    """Return an environment in which libraries may report, and would leave files below `home`."""
    kept = {name: value for name, value in os.environ.items() if name not in workers.TELEMETRY_OFF}
    kept.pop("XDG_CACHE_HOME", None)
    kept.pop("CI", None)  # onnxruntime reports nothing of its own accord where a build runs
    return kept | {"HOME": str(home), "ORT_DISABLE_TELEMETRY": "0"}


def run(program: str, home: Path, *arguments: str) -> str:
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=surroundings(home),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_the_modules_that_load_such_a_library_are_found() -> None:
    assert {"app.models.whole", "workers.engine.session"} <= set(modules())


@pytest.mark.parametrize("module", modules())
def test_a_process_that_loads_it_through_us_leaves_no_file_and_no_connection(
    module: str, tmp_path: Path
) -> None:
    assert run(SESSION, tmp_path / "home", module) == "0"
    assert list((tmp_path / "home").iterdir()) == []


def test_a_process_that_loads_it_without_us_would_leave_files(tmp_path: Path) -> None:
    """Without it the test above could not fail."""
    run(SESSION, tmp_path / "home", "json")
    assert list((tmp_path / "home").rglob("deviceid"))


@pytest.mark.parametrize("package", ["app", "workers"])
def test_hugging_faces_libraries_are_told_too(package: str, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    it = "huggingface_hub.constants"
    program = f"import {package}, {it}; print({it}.HF_HUB_DISABLE_TELEMETRY)"
    assert run(program, tmp_path / "home") == "True"


def test_the_worker_as_a_phone_gets_it_turns_telemetry_off(tmp_path: Path) -> None:
    archive = tmp_path / "workers.zip"
    archive.write_bytes(build_runtime_bundle().archive)
    program = "import os, workers.engine.session as it; print(it.__file__, os.environ.get(%r))"
    told = subprocess.run(
        [sys.executable, "-s", "-c", program % "ORT_DISABLE_TELEMETRY"],
        env={"PYTHONPATH": str(archive), "HOME": str(tmp_path / "phone")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert told == [f"{archive}/workers/engine/session.pyc", "1"]


def test_what_an_older_worker_left_on_a_phone_goes_with_its_code(tmp_path: Path) -> None:
    folder = tmp_path / phone_scripts.BASE_FOLDER.lstrip("/")
    left = folder / ".cache/Microsoft/DeveloperTools/.onnxruntime/deviceid"
    left.parent.mkdir(parents=True)
    left.write_text("a name")
    script = phone_scripts.remove_other_versions("workers-1.zip")
    script = script.replace(phone_scripts.BASE_FOLDER, str(folder))
    subprocess.run(["/bin/sh", "-c", script], check=True)
    assert list(folder.iterdir()) == []
