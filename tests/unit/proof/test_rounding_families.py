"""Every family's stages as embedding, layers and head, run by a processor that rounds otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from app.core.model import ModelManifest
from app.models.library import Library
from app.proof.audit import audit
from app.proof.case import AuditCase, AuditMethod, AuditReason, AuditStep
from app.proof.chain import ChainShard, ChainStep, good_answers
from app.proof.stage_parts import StageParts
from tests.signing import agreed_fields
from tests.unit.models.families import ANSWERING, FAMILIES, write_family
from tests.unit.proof.rounding_support import Rounding, on_other_processors
from tests.unit.proof.support import RingShard, cut, run_ring
from workers.engine.engine import ShardEngine
from workers.identity.receipts import ReceiptBody
from workers.identity.transcript import Transcript
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor

TOKENS = (5, 150, 9, 77, 31, 8)
HERE = "this computer"


def ring_of(tmp: pytest.TempPathFactory, name: str, stages: int) -> tuple[RingShard, ...]:
    folder = tmp.mktemp("family")
    library = Library(folder / "home")
    manifest: ModelManifest = library.import_folder(write_family(folder / "c", name), "m", "q8")
    last = manifest.layer_count - 1
    spans = [(0, last)] if stages == 1 else [(0, 0), (1, last)]
    return cut(library, manifest, spans)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("stages", [1, 2])
def test_the_parts_of_a_stage_are_the_stage(
    tmp_path_factory: pytest.TempPathFactory, name: str, stages: int
) -> None:
    ring = ring_of(tmp_path_factory, name, stages)
    run = run_ring(on_other_processors(ring, Rounding.NONE), 4)
    for case, honest in zip(run.cases, run_ring(ring, 4).cases, strict=True):
        verdict = audit(replace(case, host_class=HERE, registered_class="class"))
        assert not verdict.failed
        assert verdict.method in (AuditMethod.ROUNDING, AuditMethod.EXACT)
        same = audit(replace(honest, host_class=HERE, registered_class="class"))
        assert same.passed
        assert same.deviation < 0.05


@dataclass(frozen=True)
class Reading:
    """A whole text read by one phone, and the vector that it answers."""

    shard: RingShard
    answer: Tensor
    case: AuditCase


def read(shard: RingShard, rounding: Rounding) -> Reading:
    (phone,) = on_other_processors((shard,), rounding)
    assert phone.runs is not None
    inputs = np.array([TOKENS], np.int64)
    answer = ShardEngine(phone.runs.graph_path, shard.shape, 1).run(0, 0, inputs)
    return Reading(shard, answer, case_of(shard, answer))


def case_of(shard: RingShard, answer: Tensor) -> AuditCase:
    transcript = Transcript()
    inputs = np.array([TOKENS], np.int64)
    transcript.record(0, inputs, answer)
    seal = transcript.seal()
    receipt = ReceiptBody(
        transaction="transaction",
        stage=0,
        serial="phone",
        span="span",
        graph=shard.graph,
        blocks=shard.shape.blocks,
        input_root=seal.input_root.hex(),
        output_root=seal.output_root.hex(),
        steps=seal.steps,
        tokens=seal.tokens,
        sequence=1,
        numerical_class="class",
        **agreed_fields(),
    )
    return AuditCase(
        receipt,
        (AuditStep(0, inputs, wants_token=True, generated=1, claimed=answer),),
        shard.graph_path,
        shard.shape,
        SamplingRule(),
        threads=1,
        parts=shard.parts,
        host_class=HERE,
        registered_class="class",
    )


@pytest.mark.parametrize("name", ANSWERING)
@pytest.mark.parametrize("rounding", Rounding)
def test_a_vector_of_another_processor_is_not_called_wrong_and_a_lie_is(
    tmp_path_factory: pytest.TempPathFactory, name: str, rounding: Rounding
) -> None:
    (shard,) = ring_of(tmp_path_factory, name, 1)
    reading = read(shard, rounding)
    assert not audit(reading.case).failed
    lie = reading.answer.copy()
    lie[..., ::2] = -lie[..., ::2] - np.abs(lie).max()
    verdict = audit(case_of(shard, lie))
    assert (verdict.reason, verdict.first_bad_step) == (AuditReason.WRONG_OUTPUT, 0)
    assert verdict.evidence["rounding"]["answers"] == 1
    chain = [ChainShard(shard.graph_path, shard.shape, shard.parts)]
    for answer, good in ((reading.answer, 1), (lie, 0)):
        steps = [ChainStep(0, np.array([TOKENS]), answer)]
        assert good_answers(chain, steps, SamplingRule(), 1, rounded_otherwise=True) == good


def test_answers_nearby_are_the_same_whenever_they_are_asked_for(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    (shard,) = ring_of(tmp_path_factory, "llama", 1)
    asked = []
    for _ in range(2):
        stage = StageParts(shard.parts, 1, Boundary.F32)
        step = stage.run(0, np.array([TOKENS], np.int64))
        asked.append(stage.answers_nearby(step, 0.1))
        assert step.answer is not None
        assert np.abs(asked[-1] - step.answer).max() > 0
    np.testing.assert_array_equal(asked[0], asked[1])
