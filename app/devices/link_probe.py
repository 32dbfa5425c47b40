"""How far away a phone is and how much its link carries, measured over the link itself."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from app.core.device import LinkProfile
from app.devices.link import PhoneLink

SAMPLE_BYTES = 512 * 1024
ROUND_TRIPS = 5
_PLACE = "/data/local/tmp/shardloom/link-probe"


def measure_link(link: PhoneLink) -> LinkProfile:
    """Return latency (half a small round trip) and bandwidth (one push, its latency taken off).

    Raises `PhoneLostError` where the phone goes away meanwhile.
    """
    round_trip_s = statistics.median(_round_trip_s(link) for _ in range(ROUND_TRIPS))
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "sample"
        sample.write_bytes(os.urandom(SAMPLE_BYTES))
        started_s = time.monotonic()
        link.push(sample, _PLACE)
        elapsed_s = time.monotonic() - started_s
    link.shell(f"rm -f {_PLACE}")
    carrying_s = max(elapsed_s - 2 * round_trip_s, elapsed_s / 10, 1e-6)
    return LinkProfile(round_trip_s / 2, SAMPLE_BYTES / carrying_s)


def _round_trip_s(link: PhoneLink) -> float:
    started_s = time.monotonic()
    link.stat("/data/local/tmp")
    return time.monotonic() - started_s
