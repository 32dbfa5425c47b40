"""Phones that hide how they round: nobody is cleared whose products nobody looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.core.audit_outcome import SharpOutcome
from app.core.identifiers import Serial
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.proof.audit import audit
from app.proof.sharp.classes import RoundingClass
from app.proof.sharp.convincing import convinces
from app.proof.sharp.verdict import SharpReason
from app.rack.settlement.sharp.close_look import CloseLook
from tests.unit.models.support import write_random
from tests.unit.proof.convicting.support import Change, Work, of_4_bits, worked
from workers.engine.processor import class_digest
from workers.protocol.wire import Tensor

OTHERS = tuple(np.zeros(1, np.float32) for _ in range(5))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("canaries") / "home")


def work(library: Library, quantization: Quantization, own: RoundingClass, change: Change) -> Work:
    folder = library.store.folder.parent / f"checkpoint-{quantization}"
    written = write_random(folder, hidden_size=128, intermediate_size=256)
    manifest = library.import_folder(written, f"tiny-{quantization}", quantization)
    return worked(library, manifest, own, 1, change)


def looked_at(found: Work, canary: tuple[Tensor, ...]) -> CloseLook:
    content = replace(found.looked_at(), canary=canary).content()
    judgement = convinces(content, found.store)
    assert judgement.verdict.reason is SharpReason.HOLDS
    return CloseLook.judged(Serial("phone"), 1, judgement, b"", content)


def test_a_canary_that_its_class_is_no_digest_of_clears_no_cheat(
    library: Library, own_class: RoundingClass
) -> None:
    cheat = work(library, Quantization.Q8, own_class, of_4_bits)
    assert audit(cheat.case).failed
    assert convinces(cheat.looked_at().content(), cheat.store).outcome is SharpOutcome.FAILED
    look = looked_at(cheat, OTHERS)
    assert look.outcome is SharpOutcome.UNAVAILABLE
    assert look.reason.code == "sharp.class_not_reproduced"


def test_a_class_that_nothing_reproduces_clears_no_cheat(
    library: Library, own_class: RoundingClass
) -> None:
    cheat = work(library, Quantization.Q8, own_class, of_4_bits)
    receipt = replace(cheat.case.receipt, numerical_class=f"invented; {class_digest(OTHERS)}")
    invented = replace(cheat, case=replace(cheat.case, receipt=receipt))
    assert looked_at(invented, OTHERS).outcome is SharpOutcome.UNAVAILABLE


def test_without_quantised_products_no_class_matters(
    library: Library, own_class: RoundingClass
) -> None:
    honest = work(library, Quantization.F32, own_class, _nothing)
    assert looked_at(honest, OTHERS).outcome is SharpOutcome.PASSED


def _nothing(_name: str, _weights: Tensor) -> Tensor | None:
    return None
