"""What every test shares: an offscreen Qt, a home of its own, no way out of this machine.

Examples that Hypothesis draws are the same each time, and take as long as a busy machine needs.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

import app  # noqa: F401 - turns telemetry off before a test loads a library

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.pop("ALL_PROXY", None)
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", settings.get_profile("steady"), max_examples=20)
settings.load_profile("steady")

ROOT = Path(__file__).parents[1]
HAS_TORCH = importlib.util.find_spec("torch") is not None
WITHOUT_TORCH = "torch is not installed (extra `import`): the reference comparison is skipped"


TOGETHER = {
    "integration/devices/test_tunnels": "one adbd at a time",
    "integration/devices/test_real_adbd": "one adbd at a time",
    "integration/worker_runtime/test_runtime": "one worker runtime is built",
    "integration/worker_runtime/test_install": "one worker runtime is built",
    "integration/rack/phones/test_foreign_phone": "one worker runtime is built",
}
"""Files that one process runs, and why; any other file is one process's alone too."""
APART = {"simulation/test_scenarios": "seeds share nothing"}
"""Files whose tests go one by one to whichever process is free, and why."""


class FilesTogether(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """Gives a file's tests to one process: they share racks that take seconds to open."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        name = file.removeprefix("tests/").removesuffix(".py")
        return nodeid if name in APART else TOGETHER.get(name, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    return FilesTogether(config, log)


SLOW_PACKAGES = {"torch", "transformers"}


class SlowPackages:
    """Stands before all finders of modules and ends a test that asks for a slow one."""

    @staticmethod
    def find_spec(
        name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in SLOW_PACKAGES:
            leave_out(f"loads {name}")
        return None


def leave_out(why: str) -> NoReturn:
    raise pytest.skip.Exception(f"left to `make test`: {why}", allow_module_level=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "leave out what starts a process or loads torch, found as it tries to"
    parser.addoption("--no-processes", action="store_true", help=help_text)
    help_text = "run what is marked `soak`, and nothing else"
    parser.addoption("--soak", action="store_true", help=help_text)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to `make soak` what is long and of which a slice is run each time."""
    kinds: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        kinds[item.get_closest_marker("soak") is not None].append(item)
    soaks: bool = config.getoption("--soak")
    config.hook.pytest_deselected(items=kinds[not soaks])
    items[:] = kinds[soaks]


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """For the quick run: fewer examples, and no list of names that could be out of date."""
    if not session.config.getoption("--no-processes"):
        import_from_another_place_on(session.config)
        return
    settings.load_profile("quick")

    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        leave_out("starts a process")

    subprocess.Popen.__init__ = refuse  # type: ignore[method-assign]
    BaseProcess.start = refuse  # type: ignore[method-assign]
    sys.meta_path.insert(0, SlowPackages)
    import_from_another_place_on(session.config)


def import_from_another_place_on(config: pytest.Config) -> None:
    """Import the tests, each process of several from another file on.

    What pytest makes of a file, whoever comes to it first writes down for the others: in a fresh
    checkout that is more than half of what collecting takes. What cannot be imported is told of
    when it is collected.
    """
    process = getattr(config, "workerinput", None)
    if process is None:
        return
    folders = [Path(argument).resolve() for argument in config.args]
    files = [file for folder in folders for file in sorted(folder.rglob("test_*.py"))]
    number, count = int(process["workerid"].removeprefix("gw")), process["workercount"]
    first = len(files) * number // count
    for file in (*files[first:], *files[:first]):
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let the garbage collector pass over all that was imported, which it would look at again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not HAS_TORCH:
        terminalreporter.write_line(f"NOTE: {WITHOUT_TORCH}", yellow=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a state folder that no other test sees."""
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def connect_locally(self: socket.socket, address: tuple[str, int] | str) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_locally)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
