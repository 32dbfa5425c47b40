"""Phones of other processors in a rack: their own runtime, by an emulator, all of them honest."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.ledger.entry import EntryKind
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.views.export import export_ledger
from app.ledger.views.snapshot import PhoneStanding
from app.models.library import Library
from app.models.whole import run_whole
from app.proof.case import AuditMethod
from app.rack.commands import Apply, Ask, Inject, RequestAssignment, UseModel
from app.rack.home import Home
from app.rack.options import RackOptions
from app.rack.service import RackService, open_rack
from app.rack.snapshot import RackSnapshot
from tests.assignments import held, placed
from tests.integration.rack.support import (
    ASSETS,
    PATIENCE,
    PROMPT,
    READY,
    finish,
    generate,
    wait_until,
)
from tests.integration.worker_runtime.support import built, qemu, skip_aloud
from tests.integration.workers.model import Sizes, write_llama
from tests.soak import slice_of_several
from workers.engine.processor import numerical_class

TOKENS = 12
START_LIMIT_S = 300.0
ARM, OTHER_ARM, INTEL = Serial("ARM-1"), Serial("ARM-2"), Serial("INTEL-3")
PHONE = """
[[phones]]
serial = "{serial}"
name = "Phone {serial}"
manufacturer = "Maker"
android_version = "14"
cores = 8
memory_bytes = 4_000_000_000
"""
FOREIGN = """abi = "arm64-v8a"
emulator = "{emulator}"
"""
WIDER = Sizes(hidden=256, inner=512, layers=6, vocabulary=1000, spread=0.05)
TOKEN_IDS = tuple(range(3, 200, 13))
RINGS = [
    ("demo-q8", (ARM, OTHER_ARM, INTEL)),
    ("demo-q4-plain", (INTEL, ARM, OTHER_ARM)),
    ("wider-q8", (INTEL, OTHER_ARM, ARM)),
    ("wider-q4-plain", (OTHER_ARM, INTEL, ARM)),
]
"""Models, and who holds their first, middle and last layers."""

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="compares with an x86-64 host"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the demo model and a wider one without training, as 8 and as 4 bits."""
    folder = tmp_path_factory.mktemp("home")
    library = Library(folder)
    wider = write_llama(tmp_path_factory.mktemp("wider"), WIDER)
    for name, path in (("demo", ASSETS / "demo_model"), ("wider", wider)):
        for bits in ("q8", "q4-plain"):
            library.import_folder(path, f"{name}-{bits}", bits)
    return folder


@pytest.fixture(scope="module")
def rack(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RackService]:
    """Two phones with Arm processors of different kinds and one with this computer's."""
    folder = tmp_path_factory.mktemp("rack")
    emulator = qemu("qemu-aarch64")
    older = folder / "older-arm"
    older.write_text(f'#!/bin/sh\nexec {emulator} -cpu cortex-a53 "$@"\n')
    older.chmod(0o755)
    phones = ['use = "all"\naudit_rate = 1.0\n']
    for serial, by in ((ARM, emulator), (OTHER_ARM, older), (INTEL, None)):
        phones += [PHONE.format(serial=serial), FOREIGN.format(emulator=by) if by else ""]
    rack_file = folder / "three.toml"
    rack_file.write_text("".join(phones))
    runtime = built("arm64-v8a")
    shutil.copytree(runtime.path.parent, folder / "cache" / "shardloom" / "worker-runtime")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        opened = open_rack(RackOptions(home=home, rack=str(rack_file), patience=PATIENCE))
        try:
            ready = wait_until(opened, lambda newest: newest.phase in READY, START_LIMIT_S)
            description = ready.phones[0].description
            limits = description.limits if description else ()
            if any("cannot run on this machine" in line for line in limits):
                skip_aloud(" ".join(line for line in limits if line.startswith("Programs")))
            yield opened
        finally:
            opened.close().result(60)


def standings(rack: RackService) -> dict[Serial, PhoneStanding]:
    phones = rack.snapshot().phones
    return {phone.serial: phone.standing for phone in phones if phone.standing is not None}


def use(
    rack: RackService,
    model: str,
    ring: tuple[Serial, ...] = (ARM, INTEL, OTHER_ARM),
    limit_s: float = START_LIMIT_S,
) -> None:
    """Put a model on the phones, in that order, and wait until it is there."""
    rack.do(UseModel(model)).result(limit_s)
    loaded = wait_until(rack, lambda newest: _holds(newest, model), limit_s).applied
    assert loaded is not None
    share = loaded.layer_count // len(ring)
    stages = [held(serial, at * share, (at + 1) * share - 1) for at, serial in enumerate(ring)]
    stages[-1] = held(ring[-1], stages[-1].first_layer, loaded.layer_count - 1)
    wanted = placed(model, loaded.layer_count, tuple(stages))
    rack.do(RequestAssignment(wanted)).result(60)
    rack.do(Apply()).result(limit_s)
    wait_until(rack, lambda newest: newest.phase in READY and newest.applied == wanted, limit_s)


def _holds(snapshot: RackSnapshot, model: str) -> bool:
    applied = snapshot.applied
    return snapshot.phase in READY and applied is not None and applied.model == model


def test_arm64_phones_work_beside_another_and_are_audited(rack: RackService, home: Path) -> None:
    use(rack, "demo")
    states = {phone.serial: phone.state for phone in rack.snapshot().phones}
    assert states[ARM] is DeviceState.READY, rack.snapshot().phones[0].state_reason
    request = generate(rack, TOKENS)
    assert (request.audits, request.slashes, request.failovers) == (3, 0, 0)
    library = Library(home)
    model = library.get("demo")
    tokenizer = library.tokenizer(model)
    assert tokenizer is not None
    prompt = tokenizer.encode(PROMPT)
    assert list(request.token_ids) == run_whole(model, library, prompt, TOKENS)


@pytest.mark.parametrize(("model", "ring"), slice_of_several(RINGS, RINGS[2]))
def test_honest_phones_of_any_processor_keep_their_stake_with_quantised_models(
    rack: RackService, model: str, ring: tuple[Serial, ...]
) -> None:
    use(rack, model, ring)
    before = standings(rack)
    request = finish(rack, rack.do(Ask(Complete(TOKEN_IDS), TOKENS)).result(60))
    assert (request.audits, request.slashes, request.failovers) == (3, 0, 0)
    assert len(request.token_ids) == TOKENS
    for serial, standing in standings(rack).items():
        assert standing.audits_passed == before[serial].audits_passed + 1, serial
        assert (standing.slashed, standing.audits_failed) == (0, 0)
        assert standing.jailed_until_ms is None


def test_phones_of_other_processors_that_lie_are_slashed_and_the_journal_tells_why(
    rack: RackService, home: Path
) -> None:
    use(rack, "demo-q4-plain")
    for serial in (ARM, OTHER_ARM):
        rack.do(Inject(Fault(FaultKind.WRONG_OUTPUT, serial))).result(60)
    request = generate(rack, TOKENS)
    assert request.slashes == 2
    assert len(request.token_ids) == TOKENS
    found = standings(rack)
    assert found[ARM].slashed > 0
    assert found[OTHER_ARM].slashed > 0
    assert found[INTEL].slashed == 0
    ledger = Home(home)
    assert verify_ledger(ledger.ledger_file, read_public_key(ledger.ledger_key)).valid
    entries = export_ledger(ledger.ledger_file)["entries"]
    classes = {
        entry["body"]["serial"]: entry["body"]["numerical_class"]
        for entry in entries
        if entry["kind"] == EntryKind.PHONE_REGISTERED
    }
    assert len(set(classes.values())) == 3, classes
    audits = [entry["body"] for entry in entries if entry["kind"] == EntryKind.AUDIT]
    told = [each for each in audits if each["method"] == AuditMethod.ROUNDING]
    assert {each["outcome"] for each in told} == {"passed", "failed"}
    for each in told:
        evidence = each["evidence"]
        assert evidence["host_class"] == numerical_class(1)
        assert evidence["registered_class"] == classes[each["serial"]]
        assert evidence["receipt"]["numerical_class"] == classes[each["serial"]]
        assert evidence["rounding"]["passes_up_to"] == "0.1"
