"""`models import` and `models search` as programs, told of the hub by HF_ENDPOINT."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import HubServer, Repository
from tests.unit.models.support import write_random

NAME = "owner/Tiny-Llama"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer().running() as running:
        folder = write_random(tmp_path / "checkpoint", max_position_embeddings=64)
        running.repositories[NAME] = Repository.of_folder(folder)
        yield running


def shardloom(
    server: HubServer, home: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    settings = {"HF_ENDPOINT": server.endpoint, "HF_HOME": str(home / "hub"), "LANGUAGE": "en"}
    return subprocess.run(
        [sys.executable, "-m", "app", "--home", str(home), *arguments],
        env=os.environ | settings | environment,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


def test_a_name_is_enough_and_afterwards_no_hub_is_needed(server: HubServer, home: Path) -> None:
    found = shardloom(server, home, "models", "search", "tiny", "--json")
    assert json.loads(found.stdout)["models"][0]["repository"] == NAME
    ended = shardloom(server, home, "models", "import", NAME, "--quantize", "q8")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Tiny-Llama-q8: llama, generation, 4 layers, q8")
    assert "as q8 needs" in ended.stderr
    assert "To be downloaded: 670 kB." in ended.stderr
    again = shardloom(server, home, "models", "import", NAME, HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert "HF_HUB_OFFLINE is set. What was downloaded before is taken." in again.stderr


def test_a_rack_is_asked_before_anything_is_downloaded(
    server: HubServer, home: Path, tmp_path: Path
) -> None:
    home.mkdir()
    rack = ("--rack", "virtual:2")
    fits = shardloom(server, home, "models", "import", NAME, *rack)
    assert fits.returncode == 0, fits.stderr
    assert re.search("It fits virtual:2: . phones?, .* tok/s predicted, needs", fits.stderr)
    config = json.loads((tmp_path / "checkpoint" / "config.json").read_text())
    huge = config | {"hidden_size": 16384, "intermediate_size": 65536, "num_attention_heads": 128}
    server.repositories["owner/Huge"] = Repository(
        {"config.json": json.dumps(huge).encode(), "model.safetensors": bytes(1 << 20)}
    )
    refused = shardloom(server, home, "models", "import", "owner/Huge", *rack)
    assert refused.returncode == 1
    assert "It does not fit virtual:2. Huge needs" in refused.stderr
    assert "was not downloaded, because it does not fit." in refused.stderr
    assert server.gets("owner/Huge/model.safetensors") == []
