"""Audits of vectors that answer a whole text: labels' scores and sentences' embeddings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.library import Library
from app.models.shards import span_shape
from app.proof.audit import audit
from app.proof.case import AuditCase, AuditMethod, AuditReason, AuditStep
from app.proof.chain import ChainShard, ChainStep, good_answers
from app.proof.tolerance import ANSWER_TOLERANCE, WITHOUT_MEASURE, answer_deviation
from tests.signing import agreed_fields
from tests.unit.models.families import write_family
from workers.engine.engine import ShardEngine
from workers.identity.receipts import ReceiptBody
from workers.identity.transcript import Transcript
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor

TOKENS = (5, 150, 9, 77, 31, 8)


@dataclass(frozen=True)
class Subject:
    """A model as one shard, and the texts' portions in which it reads."""

    chain: ChainShard
    chunks: tuple[tuple[int, ...], ...]
    answer: Tensor


@pytest.fixture(scope="module", params=["qwen3-classifier", "bert"])
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("answers")
    library = Library(folder / "home")
    manifest = library.import_folder(write_family(folder / "c", request.param), "m")
    shard = library.shard(manifest, manifest.chains[0].whole)
    shape = span_shape(manifest, shard, manifest.context_tokens, 1)
    path = library.store.path(shard.graph.sha256)
    chunks = (TOKENS[:4], TOKENS[4:]) if manifest.cached else (TOKENS,)
    engine, position = ShardEngine(path, shape, 1), 0
    for chunk in chunks:
        answer = engine.run(0, position, np.array([chunk], np.int64))
        position += len(chunk)
    return Subject(ChainShard(path, shape), chunks, answer)


def case_of(subject: Subject, committed: Tensor, told: Tensor) -> AuditCase:
    """Return the audit of a phone that signed for one vector and told another."""
    transcript, steps, position = Transcript(), list[AuditStep](), 0
    for number, chunk in enumerate(subject.chunks, 1):
        last = number == len(subject.chunks)
        inputs = np.array([chunk], np.int64)
        transcript.record(position, inputs, committed if last else np.array([-1], np.int64))
        steps.append(AuditStep(position, inputs, last, int(last), told if last else None))
        position += len(chunk)
    seal, shape = transcript.seal(), subject.chain.shape
    receipt = ReceiptBody(
        transaction="transaction",
        stage=0,
        serial="phone",
        span="span",
        graph=subject.chain.graph_path.name,
        blocks=shape.blocks,
        input_root=seal.input_root.hex(),
        output_root=seal.output_root.hex(),
        steps=seal.steps,
        tokens=seal.tokens,
        sequence=1,
        numerical_class="class",
        **agreed_fields(),
    )
    return AuditCase(receipt, tuple(steps), subject.chain.graph_path, shape, SamplingRule(), 1)


def negated(vector: Tensor) -> Tensor:
    lie = vector.copy()
    lie[..., ::2] *= -1
    return lie


def test_an_honest_vector_passes_exactly(subject: Subject) -> None:
    verdict = audit(case_of(subject, subject.answer, subject.answer))
    assert (verdict.passed, verdict.method) == (True, AuditMethod.EXACT)


def test_a_rounding_error_passes_within_the_tolerance(subject: Subject) -> None:
    rounded = subject.answer * np.float32(1 + 3e-6)
    assert not np.array_equal(rounded, subject.answer)
    verdict = audit(case_of(subject, rounded, rounded))
    assert (verdict.passed, verdict.method) == (True, AuditMethod.TOLERANCE)
    assert 0 < verdict.deviation < 0.1


def test_a_wrong_vector_fails_with_what_anybody_needs_to_repeat_it(subject: Subject) -> None:
    lie = negated(subject.answer)
    verdict = audit(case_of(subject, lie, lie))
    assert (verdict.passed, verdict.reason) == (False, AuditReason.WRONG_OUTPUT)
    assert verdict.first_bad_step == len(subject.chunks) - 1
    assert verdict.first_bad_generated == 1
    assert verdict.evidence["answer_tolerance"] == ANSWER_TOLERANCE
    assert "expected_leaves_root" in verdict.evidence["first_bad"]


def test_a_vector_told_otherwise_than_signed_is_disowned(subject: Subject) -> None:
    verdict = audit(case_of(subject, subject.answer, negated(subject.answer)))
    assert verdict.reason is AuditReason.OUTPUTS_DISOWNED


def test_a_vector_of_another_size_is_wrong(subject: Subject) -> None:
    short = subject.answer[:, :1]
    assert audit(case_of(subject, short, short)).reason is AuditReason.WRONG_OUTPUT


def test_the_chain_tells_a_good_vector_from_a_wrong_one(subject: Subject) -> None:
    steps, position = list[ChainStep](), 0
    for chunk in subject.chunks:
        steps.append(ChainStep(position, np.array([chunk]), None))
        position += len(chunk)
    steps[-1] = replace(steps[-1], answer=subject.answer)
    assert good_answers([subject.chain], steps, SamplingRule(), 1) == 1
    steps[-1] = replace(steps[-1], answer=negated(subject.answer))
    assert good_answers([subject.chain], steps, SamplingRule(), 1) == 0


NUMBERS = st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=6)


@given(NUMBERS, st.integers(0, 5), st.floats(0.01, 10))
def test_a_score_moved_by_a_hundredth_and_more_than_that_share_is_seen(
    numbers: list[float], index: int, shift: float
) -> None:
    expected = np.array([numbers], np.float32)
    claimed = expected.astype(np.float64)
    place = index % len(numbers)
    claimed[0, place] += shift + 0.01 * abs(numbers[place])
    assert answer_deviation(expected, expected) == 0
    assert answer_deviation(claimed, expected) > 1


@given(NUMBERS)
def test_what_is_no_number_has_no_measure(numbers: list[float]) -> None:
    expected = np.array([numbers], np.float32)
    claimed = expected.copy()
    claimed[0, 0] = np.nan
    assert answer_deviation(claimed, expected) == WITHOUT_MEASURE
