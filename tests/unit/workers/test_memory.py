from __future__ import annotations

from pathlib import Path

from tests.saying import raises_telling
from workers.engine.memory import available_bytes, require_memory
from workers.errors import EngineError


def test_the_kernels_estimate_is_read(tmp_path: Path) -> None:
    information = tmp_path / "meminfo"
    information.write_text("MemTotal:       7878 kB\nMemAvailable:     2000 kB\n")
    assert available_bytes(information) == 2_048_000


def test_a_kernel_that_says_nothing_refuses_nothing(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 1 kB\n")
    assert available_bytes(tmp_path / "meminfo") is None
    assert available_bytes(tmp_path / "missing") is None
    require_memory(1 << 60, None)


def test_what_is_missing_is_named() -> None:
    require_memory(2_000_000, 2_000_000)
    with raises_telling(EngineError, match="5 MB of weights and attention cache: 3 MB are missing"):
        require_memory(5_000_000, 2_000_000)
