"""How fast the way between host and phone is, measured on it."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Final

from app.core.device import LinkProfile
from app.devices.adb.link import PhoneLink
from app.devices.deployment.phone_scripts import BASE_FOLDER
from workers.protocol.configuration import STORE_FOLDER

SAMPLE_BYTES: Final = 1 << 20
_SAMPLE_FILE: Final = f"{BASE_FOLDER}/{STORE_FOLDER}/link-sample.part"
_SHORTEST_S: Final = 1e-4
"""Below this the difference of two pushes is noise."""
_SMALL_PUSHES: Final = 3
"""The quickest of them counts: one that was held up would make the link seem fast."""


def measure_link(link: PhoneLink) -> LinkProfile:
    """Return latency (half a round trip) and rate of a push, in about the time 1 MB takes.

    The rate is what a file gets through ADB, whose packets are acknowledged one by one; a plain
    connection is not slower. Random bytes: nothing on the way can shrink them.
    """
    latency_s = link.round_trip_s() / 2
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "sample"
        fixed_s = min(_push_s(link, sample, b"\0") for _ in range(_SMALL_PUSHES))
        whole_s = _push_s(link, sample, os.urandom(SAMPLE_BYTES))
    link.shell(f"rm -f {_SAMPLE_FILE}")
    return LinkProfile(latency_s, SAMPLE_BYTES / max(whole_s - fixed_s, _SHORTEST_S))


def _push_s(link: PhoneLink, sample: Path, content: bytes) -> float:
    sample.write_bytes(content)
    start_s = time.perf_counter()
    link.push(sample, _SAMPLE_FILE, 0o600)
    return time.perf_counter() - start_s
