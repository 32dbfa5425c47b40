"""A phone of another processor in a rack: its own runtime, by an emulator, the same text."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest
from rack_support import PATIENCE, READY, generate, wait_until
from worker_runtime_support import build, qemu, skip_aloud

from app.core.device import DeviceState
from app.models.library import Library
from app.models.whole import run_whole
from app.rack.options import RackOptions
from app.rack.service import open_rack

TOKENS = 12
START_LIMIT_S = 300.0
RACK = """
use = "all"
audit_rate = 1.0
[[phones]]
serial = "ARM-1"
name = "Arm phone"
manufacturer = "Maker"
android_version = "14"
cores = 8
memory_bytes = 4_000_000_000
abi = "arm64-v8a"
emulator = "{emulator}"
[[phones]]
serial = "INTEL-2"
name = "Intel phone"
manufacturer = "Maker"
android_version = "14"
cores = 8
memory_bytes = 4_000_000_000
"""

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="compares with an x86-64 host"),
]


def test_an_arm64_phone_works_beside_another_and_is_audited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rack_file = tmp_path / "two.toml"
    rack_file.write_text(RACK.format(emulator=qemu("qemu-aarch64")))
    runtime = build("arm64-v8a", tmp_path / "built")
    kept = tmp_path / "cache" / "shardloom" / "worker-runtime"
    shutil.copytree(runtime.path.parent, kept)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    home = tmp_path / "home"
    rack = open_rack(RackOptions(home=home, rack=str(rack_file), patience=PATIENCE))
    try:
        opened = wait_until(rack, lambda newest: newest.phase in READY, START_LIMIT_S)
        arm = opened.phones[0]
        limits = arm.description.limits if arm.description else ()
        if any("cannot run on this machine" in line for line in limits):
            skip_aloud(" ".join(line for line in limits if line.startswith("Programs")))
        assert arm.state is DeviceState.READY, arm.state_reason
        assert opened.applied is not None
        assert set(opened.applied.serials) == {"ARM-1", "INTEL-2"}
        request = generate(rack, TOKENS)
        assert (request.audits, request.slashes, request.failovers) == (2, 0, 0)
    finally:
        rack.close().result(60)
    library = Library(home)
    model = library.get("demo")
    tokenizer = library.tokenizer(model)
    assert tokenizer is not None
    prompt = tokenizer.encode("In the beginning")
    assert list(request.token_ids) == run_whole(model, library, prompt, TOKENS)
