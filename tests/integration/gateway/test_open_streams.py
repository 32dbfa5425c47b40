"""64 open streams on four virtual phones: each whole, in order and its own, and memory stays."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from app.benchmarks.racks.stream_reader import StreamReader
from tests.integration.command_line.served_rack import served

STREAMS, TOKENS = 64, 48
WAVES, SETTLED = 8, 4
"""After so many waves all that is kept once has been made."""
MOST_GROWTH_BYTES = 24 << 20
"""What may come and go; a wave that left 100 KB of each stream behind would show."""


def body_of(seed: int) -> dict[str, object]:
    return {
        "model": "demo",
        "prompt": "In the beginning",
        "max_tokens": TOKENS,
        "temperature": 1.0,
        "seed": seed * 1000,
    }


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_each_of_64_streams_is_what_it_is_alone_and_memory_stays(tmp_path: Path) -> None:
    bodies = [body_of(seed) for seed in range(STREAMS)]
    memory: list[int] = []
    with (
        served(tmp_path, "virtual:4", "--streams", str(STREAMS), "--audit-rate", "0") as rack,
        StreamReader.started(rack.address) as reader,
    ):
        alone = [reader.read([body])[0].text for body in bodies]
        process = psutil.Process(rack.program.pid)
        for _ in range(WAVES):
            together = reader.read(bodies)
            assert [each.text for each in together] == alone
            assert len({each.identifier for each in together}) == STREAMS
            memory.append(process.memory_info().rss)
    assert len(set(alone)) > STREAMS // 2, "seeds draw texts of their own"
    assert memory[-1] - memory[SETTLED - 1] < MOST_GROWTH_BYTES, memory
