"""Honest phones of six processors, every receipt audited, until so many audits were made.

What takes hours: `make soak` sets SHARDLOOM_FOREIGN_AUDITS. Ten layers a phone, hidden size 512;
test_foreign_phone.py is the slice that every run of the tests takes.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from app.core.identifiers import Serial
from app.core.tasks import Complete
from app.models.library import Library
from app.rack.commands import Ask
from app.rack.options import RackOptions
from app.rack.service import RackService, open_rack
from tests.integration.rack.phones.test_foreign_phone import (
    FOREIGN,
    PHONE,
    standings,
    use,
)
from tests.integration.rack.support import PATIENCE, READY, finish, wait_until
from tests.integration.worker_runtime.support import build, qemu
from tests.integration.workers.model import Sizes, write_llama

AUDITS = int(os.environ.get("SHARDLOOM_FOREIGN_AUDITS", "0"))
TOKENS: Final = 4
TURNS_A_FORM: Final = 25
"""Requests before the next form of weights: loading layers takes as long as several of them."""
FORMS: Final = ("f32", "q8", "q4-plain")
LAYERS_A_PHONE: Final = 10
SLOW_LIMIT_S: Final = 1_800.0
"""Emulated processors load and compute some thirty times slower."""
PROCESSORS: Final = {
    "ARM-I8MM": ("arm64-v8a", "qemu-aarch64", "max"),
    "ARM-A76": ("arm64-v8a", "qemu-aarch64", "cortex-a76"),
    "ARM-A53": ("arm64-v8a", "qemu-aarch64", "cortex-a53"),
    "X86-HASWELL": ("x86_64", "qemu-x86_64", "Haswell"),
    "X86-NEHALEM": ("x86_64", "qemu-x86_64", "Nehalem"),
    "X86-THIS": ("", "", ""),
}
"""Serial numbers, with the runtime that a phone has, and who plays which processor."""
WIDE: Final = Sizes(
    hidden=512,
    inner=1024,
    layers=LAYERS_A_PHONE * len(PROCESSORS),
    vocabulary=1000,
    spread=0.05,
)

pytestmark = [
    pytest.mark.skipif(AUDITS == 0, reason="takes hours: make soak"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="compares with an x86-64 host"),
]


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RackService]:
    """Return a rack of all processors, with a model in three forms of weights."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("rack")
    library, source = Library(home), write_llama(tmp_path_factory.mktemp("wide"), WIDE)
    for form in FORMS:
        library.import_folder(source, f"wide-{form}", form)
    phones = ['use = "all"\naudit_rate = 1.0\n']
    phones += [_phone(serial, folder) for serial in PROCESSORS]
    rack_file = folder / "six.toml"
    rack_file.write_text("".join(phones))
    for abi in ("arm64-v8a", "x86_64"):
        built = build(abi, folder / "built" / abi).path.parent
        kept = folder / "cache" / "shardloom" / "worker-runtime"
        shutil.copytree(built, kept, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        options = RackOptions(
            home=home, rack=str(rack_file), model=f"wide-{FORMS[0]}", patience=PATIENCE
        )
        opened = open_rack(options)
        try:
            wait_until(opened, lambda newest: newest.phase in READY, SLOW_LIMIT_S)
            yield opened
        finally:
            opened.close().result(60)


def _phone(serial: str, folder: Path) -> str:
    abi, program, processor = PROCESSORS[serial]
    phone = PHONE.format(serial=serial)
    if not abi:
        return phone
    emulator = folder / serial
    emulator.write_text(f'#!/bin/sh\nexec {qemu(program)} -cpu {processor} "$@"\n')
    emulator.chmod(0o755)
    return phone + FOREIGN.format(emulator=emulator).replace("arm64-v8a", abi)


def test_no_honest_phone_of_any_processor_is_harmed(
    rack: RackService, capsys: pytest.CaptureFixture[str]
) -> None:
    audits, turn, ring = 0, 0, [Serial(serial) for serial in PROCESSORS]
    while audits < AUDITS:
        form = FORMS[turn // TURNS_A_FORM % len(FORMS)]
        if turn % TURNS_A_FORM == 0:
            use(rack, f"wide-{form}", tuple(ring), SLOW_LIMIT_S)
        tokens = tuple((turn * 31 + place * 17) % 900 + 3 for place in range(12))
        request = finish(rack, rack.do(Ask(Complete(tokens), TOKENS)).result(60))
        audits += request.audits
        assert (request.slashes, request.failovers) == (0, 0), form
        for serial, standing in standings(rack).items():
            assert (standing.slashed, standing.audits_failed) == (0, 0), (serial, form)
            assert standing.jailed_until_ms is None, (serial, form)
            assert standing.admitted, (serial, form)
        turn += 1
        if turn % (TURNS_A_FORM * len(FORMS)) == 0:
            ring = ring[1:] + ring[:1]
        with capsys.disabled():
            print(f"{audits} of {AUDITS} audits, none harmed", flush=True)  # noqa: T201 - hours pass
