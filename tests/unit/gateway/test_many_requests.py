"""Requests one after another leave nothing behind. `SHARDLOOM_REQUESTS=10000` sends as many."""

from __future__ import annotations

import gc
import json
import os
import threading
from pathlib import Path

import psutil

from app.gateway.server import Gateway
from tests.unit.gateway.fake_rack import MODEL, FakeRack, serving
from tests.unit.gateway.raw_http import post

REQUESTS = int(os.environ.get("SHARDLOOM_REQUESTS", "60"))
WARM_UP = 50
MOST_GROWTH_BYTES = 16 << 20
"""What may come and go; 10,000 requests that each left 2 KB behind would show."""
PATHS = {"/v1/chat/completions": "messages", "/v1/completions": "prompt"}


def ask(gateway: Gateway, rack: FakeRack, number: int) -> None:
    """Ask once, streamed or not, and see the whole answer."""
    path, field = list(PATHS.items())[number % 2]
    asked = "x" if field == "prompt" else [{"role": "user", "content": "x"}]
    body = {"model": MODEL, field: asked, "max_tokens": 3, "stream": number % 3 == 0}
    answer = post(gateway, path, json.dumps(body).encode())
    assert answer.status == 200
    assert b"3" in answer.body
    if number % 100 == 0:
        rack.begin_again()  # it keeps all that it was asked


def footprint() -> tuple[int, int, int]:
    """Return memory in bytes, open files, threads."""
    gc.collect()
    process = psutil.Process()
    return process.memory_info().rss, process.num_fds(), threading.active_count()


def test_requests_leave_neither_memory_nor_files_nor_threads(tmp_path: Path) -> None:
    rack = FakeRack()
    with serving(rack, tmp_path) as gateway:
        for number in range(WARM_UP):
            ask(gateway, rack, number)
        memory, files, threads = footprint()
        for number in range(REQUESTS):
            ask(gateway, rack, number)
        memory_after, files_after, threads_after = footprint()
    assert memory_after - memory < MOST_GROWTH_BYTES
    assert files_after <= files + 4  # connections about to close
    assert threads_after <= threads + 80  # the pretended rack's own pool grows to 80
