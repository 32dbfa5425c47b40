"""The parts of the runtime's build that need no download."""

from __future__ import annotations

import zipfile
from importlib import import_module
from pathlib import Path

import onnxruntime
import pytest

from app.devices.deployment.phone_runtime import SUPPORTED_ABIS
from tests.integration.worker_runtime.support import ROOT

debian, elf, errors, packing, selection, target, tree, wheels = (
    import_module(f"runtime_build.{name}")
    for name in ("debian", "elf", "errors", "packing", "selection", "target", "tree", "wheels")
)
LOCK = (ROOT / "packaging/locks/runtime.txt").read_text()


def made_tree(*paths: str) -> object:
    made = tree.RuntimeTree()
    for path in paths:
        made.add(path, tree.RuntimeFile(path.encode(), ("test",)))
    return made


def test_the_order_of_files_does_not_change_the_archive() -> None:
    paths = ("lib/a", "lib/deep/b", "c", "lib.d")
    assert packing.pack(made_tree(*paths)) == packing.pack(made_tree(*reversed(paths)))
    modules = {"b.pyc": b"2", "a.pyc": b"1"}
    assert packing.module_archive(modules) == packing.module_archive(dict(sorted(modules.items())))


@pytest.mark.parametrize("path", ["a b", "a'b", "$x", "a\nb", ""])
def test_names_a_shell_would_take_apart_are_refused(path: str) -> None:
    with pytest.raises(errors.BuildError, match="cannot take the name"):
        made_tree(path)


def test_two_files_for_one_path_are_refused() -> None:
    with pytest.raises(errors.BuildError, match="Two inputs"):
        made_tree("a", "a")


def test_libraries_a_binary_asks_for_are_read_from_it() -> None:
    folder = Path(onnxruntime.__file__).parent / "capi"
    (module,) = folder.glob("onnxruntime_pybind11_state*.so")
    needed = elf.needed_libraries(module.read_bytes())
    assert {"libc.so.6", "libstdc++.so.6", "libm.so.6"} <= set(needed)
    assert elf.needed_libraries(b"#!/bin/sh\n") == ()
    assert elf.needed_libraries(b"") == ()


def test_the_phone_gets_the_wheels_of_the_lock_with_their_hashes() -> None:
    requirements = wheels.locked_requirements(LOCK, tuple(selection.WHEELS))
    pins = [line for line in requirements.splitlines() if line and line[0] != " "]
    assert [pin.partition("==")[0] for pin in pins] == list(selection.WHEELS)
    assert f"onnxruntime=={onnxruntime.__version__} " in requirements
    assert requirements.count("--hash=sha256:") >= len(pins)
    with pytest.raises(errors.BuildError, match="no-such-package"):
        wheels.locked_requirements(LOCK, ("no-such-package",))


def test_a_wheel_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../outside", "x")
    with pytest.raises(errors.BuildError, match="outside itself"):
        wheels.unpack(wheels.Wheel("bad", "1", path, ""), tmp_path / "unpacked")
    assert not (tmp_path / "outside").exists()


def test_debian_is_asked_where_this_machine_asks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def use(listed: str) -> None:
        monkeypatch.setattr(debian, "run", lambda _command: listed)

    use("http://a/debian/ trixie-updates\nhttp://a/debian/ trixie\nhttp://b/s/ trixie-security\n")
    assert debian.Mirrors.of_this_machine() == debian.Mirrors("http://a/debian/", "http://b/s/")
    use("http://c/ubuntu/ noble\nhttp://c/ubuntu/ noble-security\nbroken\n")
    with pytest.raises(errors.UnavailableError, match="--mirror"):
        debian.Mirrors.of_this_machine()


def test_what_can_be_built_is_what_the_control_centre_looks_for() -> None:
    assert set(target.TARGETS) == set(SUPPORTED_ABIS) == set(selection.EXTRAS)
    assert target.building_machine("AMD64").abi == "x86_64"
    assert target.building_machine("aarch64").abi == "arm64-v8a"
    with pytest.raises(errors.BuildError, match="riscv64"):
        target.building_machine("riscv64")
