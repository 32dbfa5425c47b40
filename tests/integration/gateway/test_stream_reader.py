"""The client of `bench http`: it reads what a served rack tells, each stream its own."""

from __future__ import annotations

from pathlib import Path

from app.benchmarks.racks.stream_reader import StreamReader
from tests.unit.gateway.fake_rack import MODEL, FakeRack, serving


def test_streams_are_read_whole_and_told_apart_with_their_times(tmp_path: Path) -> None:
    rack = FakeRack()
    with serving(rack, tmp_path) as gateway, StreamReader.started(gateway.address) as reader:
        bodies = [{"model": MODEL, "prompt": "x", "max_tokens": tokens} for tokens in (3, 5)]
        short, long = reader.read(bodies)
        assert (short.text, long.text) == ("1 2 3", "1 2 3 4 5")
        assert {each.identifier.removeprefix("cmpl-") for each in (short, long)} == set(
            rack.requests
        )
        assert all(each.asked_s < each.first_s <= each.last_s for each in (short, long))
        assert [each.text for each in reader.read(bodies[:1])] == ["1 2 3"]
