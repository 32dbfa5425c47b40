"""Stages of encoders, run again: attention over all rows of a step, biases by distance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.models.shards import Shard, span_shape
from app.proof.case import AuditCase, AuditStep
from app.proof.sharp.classes import RoundingClass
from app.proof.sharp.draws import Leaf
from app.proof.sharp.judging import end_of
from app.proof.sharp.operators import BOTH_WAYS
from app.proof.sharp.verdict import SharpReason
from tests.signing import agreed_fields
from tests.soak import slice_of, slice_of_several
from tests.unit.models.families import write_family
from tests.unit.proof.sharp.support import Phone, altered, looked_at, phone, with_weights
from workers.engine.engine import ShardEngine, SpanShape
from workers.identity.receipts import ReceiptBody
from workers.identity.transcript import Transcript
from workers.protocol.chain import Span
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor

TOKENS = (5, 150, 9, 77, 31, 8, 14, 60, 3)
FAMILIES = ("bert", "t5", "bart")
OTHER_POSITIONS = ("mpnet", "nomic", "modernbert")
CASES = [
    *((each, Quantization.F32) for each in (*FAMILIES, *OTHER_POSITIONS)),
    *((each, Quantization.Q8) for each in FAMILIES),
]
KEPT = [("t5", Quantization.F32), ("modernbert", Quantization.F32), ("bert", Quantization.Q8)]
WELL_WITHIN = 0.5
"""Of what an end may be off: where norms follow sums, onnxruntime makes one operator of both where
nothing between them is shown, so that last bits differ."""


def stages(folder: Path, family: str, quantization: Quantization) -> list[AuditCase]:
    """Return a text's way through an encoder's stages, as far as a head does not follow."""
    library = Library(folder / "home")
    written = write_family(folder / "checkpoint", family)
    model = library.import_folder(written, "tiny", quantization)
    chain = model.chains[0]
    rows: Tensor = np.array([TOKENS], np.int64)
    found = []
    for layer in range(chain.block_count):
        shard = library.shard(model, Span(chain.name, layer, layer + 1))
        if shard.has_head:
            break
        shape = span_shape(model, shard, model.context_tokens, 1)
        path = library.store.path(shard.graph.sha256)
        left = ShardEngine(path, shape, 1).run(0, 0, rows)
        found.append(case_of(shard, shape, path, rows, left))
        rows = left
    return found


def case_of(shard: Shard, shape: SpanShape, path: Path, inputs: Tensor, left: Tensor) -> AuditCase:
    transcript = Transcript()
    transcript.record(0, inputs, left)
    seal = transcript.seal()
    receipt = ReceiptBody(
        transaction="transaction",
        stage=0,
        serial="phone",
        span="span",
        graph=path.name,
        blocks=shard.blocks,
        input_root=seal.input_root.hex(),
        output_root=seal.output_root.hex(),
        steps=seal.steps,
        tokens=seal.tokens,
        sequence=1,
        numerical_class="class",
        **agreed_fields(),
    )
    step = AuditStep(0, inputs, False, 0, left)
    return AuditCase(receipt, (step,), path, shape, SamplingRule(), 1)


@pytest.mark.parametrize(("family", "quantization"), slice_of_several(CASES, *KEPT))
def test_every_operator_of_an_encoders_stages_is_what_this_machine_computes(
    tmp_path: Path, family: str, quantization: Quantization, own_class: RoundingClass
) -> None:
    cases = stages(tmp_path, family, quantization)
    assert cases
    for case in cases:
        found = phone(case, own_class)
        assert BOTH_WAYS in {each.kind for each in found.sharp.graph.operators}
        verdict = looked_at(found)
        assert verdict.reason is SharpReason.HOLDS, verdict
        assert verdict.not_judged == 0 < verdict.looked_at
        assert end_of(found.sharp, opened_ends(found)) < WELL_WITHIN


def opened_ends(found: Phone) -> dict[Leaf, Tensor]:
    graph = found.sharp.graph
    leaves = [Leaf(graph.output, row) for row in range(found.sharp.extent.rows)]
    rows = found.replay.open([found.sharp.number(leaf) for leaf in leaves]).rows
    return dict(zip(leaves, rows, strict=True))


def middle(folder: Path, family: str, quantization: Quantization = Quantization.F32) -> AuditCase:
    return stages(folder, family, quantization)[1]


def half_as_sharp(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        if node.op_type == BOTH_WAYS:
            scale = next(each for each in node.attribute if each.name == "scale")
            scale.f /= 2


def halves(name: str, value: np.ndarray) -> np.ndarray | None:
    if value.ndim != 2 or value.dtype != np.float32 or not name.startswith("layer."):
        return None
    return value.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("family", slice_of(FAMILIES, "t5"))
def test_attention_that_weighs_rows_otherwise_is_named(
    tmp_path: Path, family: str, own_class: RoundingClass
) -> None:
    case = middle(tmp_path, family)
    runs = altered(case.graph_path, "blunt", half_as_sharp)
    verdict = looked_at(phone(case, own_class, runs))
    assert verdict.reason is SharpReason.OPERATOR
    assert verdict.operator.startswith(BOTH_WAYS)
    assert verdict.deviation > 10


def test_a_bias_by_distance_of_other_weights_is_named(
    tmp_path: Path, own_class: RoundingClass
) -> None:
    case = middle(tmp_path, "t5")

    def other(name: str, value: np.ndarray) -> np.ndarray | None:
        return value[::-1].copy() if name.endswith("distance_bias") else None

    runs = with_weights(case.graph_path, "other", other)
    assert runs.read_bytes() != case.graph_path.read_bytes()
    verdict = looked_at(phone(case, own_class, runs))
    assert verdict.reason is SharpReason.OPERATOR
    assert verdict.operator.startswith(BOTH_WAYS)


@pytest.mark.parametrize("family", slice_of(FAMILIES, "bart"))
def test_products_with_weights_of_16_bits_are_named(
    tmp_path: Path, family: str, own_class: RoundingClass
) -> None:
    case = middle(tmp_path, family)
    runs = with_weights(case.graph_path, "halves", halves)
    verdict = looked_at(phone(case, own_class, runs))
    assert verdict.reason is SharpReason.OPERATOR
    assert verdict.operator.startswith("FusedMatMul")


def test_a_stage_of_a_model_that_answers_with_a_vector_ends_at_its_rows(
    tmp_path: Path, own_class: RoundingClass
) -> None:
    """Its rows were held against the vector's form once: every honest stage but the last ended
    elsewhere."""
    library = Library(tmp_path / "home")
    model = library.import_folder(write_family(tmp_path / "checkpoint", "qwen3-classifier"), "tiny")
    shard = library.shard(model, model.span_of(0, 1))
    shape = span_shape(model, shard, model.context_tokens, 1)
    path = library.store.path(shard.graph.sha256)
    rows: Tensor = np.array([TOKENS], np.int64)
    case = case_of(shard, shape, path, rows, ShardEngine(path, shape, 1).run(0, 0, rows))
    verdict = looked_at(phone(case, own_class))
    assert (verdict.reason, verdict.exact_end) == (SharpReason.HOLDS, True)
