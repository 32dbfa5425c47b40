from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.saying import raises_telling
from workers.engine.store import referenced_files, verified_path
from workers.errors import ReportedError, StoreError, WireError
from workers.network.curve import proxy_address
from workers.protocol.configuration import WorkerConfiguration, WorkerReady
from workers.version import VERSION


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


def test_configuration_and_ready_file_are_read_back(tmp_path: Path) -> None:
    configuration = WorkerConfiguration("s", ".", "127.0.0.1", "p", "q", "h", 1)
    path = tmp_path / "worker.json"
    path.write_text(configuration.to_json())
    assert WorkerConfiguration.from_file(path) == configuration
    ready = WorkerReady(1, 2, 3)
    assert WorkerReady.from_json(ready.to_json()) == ready


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"surprise": 1}, r"ready\.json\.'surprise' is not part"),
        ({"inbox_port": "5"}, r"ready\.json\.inbox_port is no integer"),
        ({"pulse_port": 0}, r"ready\.json\.pulse_port is no integer"),
        ({"process_id": True}, r"ready\.json\.process_id is no integer"),
        (None, r"ready\.json is no map"),
    ],
)
def test_a_ready_file_that_is_none_of_ours_is_refused(
    changes: dict[str, object] | None, why: str
) -> None:
    content = changes and asdict(WorkerReady(1, 2, 3)) | changes
    with raises_telling(WireError, match=why):
        WorkerReady.from_json(json.dumps(content))


def test_files_that_are_no_json_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "worker.json"
    for text in ("{", "[" * 100_000, ""):
        path.write_text(text)
        with raises_telling(WireError, match=r"worker\.json is not JSON"):
            WorkerConfiguration.from_file(path)


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, None),
        ({"ALL_PROXY": ""}, None),
        ({"ALL_PROXY": "socks5h://127.0.0.1:1080"}, "127.0.0.1:1080"),
        ({"all_proxy": "socks5://10.0.0.1:9"}, "10.0.0.1:9"),
    ],
)
def test_a_proxy_is_taken_from_the_environment(
    environment: dict[str, str], address: str | None
) -> None:
    assert proxy_address(environment) == address


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, "192.168.1.7"),
        ({"SHARDLOOM_BIND_ADDRESS": ""}, "192.168.1.7"),
        ({"SHARDLOOM_BIND_ADDRESS": "127.84.0.9"}, "127.84.0.9"),
    ],
)
def test_who_stands_before_a_phone_may_say_where_to_listen(
    environment: dict[str, str], address: str
) -> None:
    told = WorkerConfiguration("S", ".", "192.168.1.7", "", "", "", 1)
    assert told.listen_address(environment) == address


@pytest.mark.parametrize("text", ["http://127.0.0.1:80", "socks5h://127.0.0.1", "127.0.0.1:80"])
def test_another_kind_of_proxy_is_refused(text: str) -> None:
    with raises_telling(ReportedError, match="ALL_PROXY"):
        proxy_address({"ALL_PROXY": text})


def test_a_file_is_taken_only_under_its_own_hash(tmp_path: Path) -> None:
    content = b"weights"
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / digest).write_bytes(content)
    assert verified_path(tmp_path, digest, len(content)) == tmp_path / digest
    with raises_telling(StoreError, match=r"7 bytes instead of 8"):
        verified_path(tmp_path, digest, 8)
    (tmp_path / digest).write_bytes(b"Weights")
    with raises_telling(StoreError, match=f"{digest} is damaged"):
        verified_path(tmp_path, digest, len(content))
    with raises_telling(StoreError, match="is missing"):
        verified_path(tmp_path, "0" * 64)
    with raises_telling(StoreError, match="not a SHA-256"):
        verified_path(tmp_path, "../" + digest)


def test_a_graphs_files_are_found_in_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "graph"
    path.write_bytes(b"\x12\x40" + b"ab" * 32 + b"\x1a\x40" + b"cd" * 32 + b"\x00" + b"ab" * 32)
    assert referenced_files(path) == {"ab" * 32, "cd" * 32}
