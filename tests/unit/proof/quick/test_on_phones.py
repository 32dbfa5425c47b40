"""What another phone answers passes honest work and never a lie; a false answer is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.identifiers import Serial
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.proof.audit import audit
from app.proof.case import AuditCase
from app.proof.quick.on_phones import PhoneAnswer, is_right, question_of, verdict_by
from tests.unit.models.support import write_random
from tests.unit.proof.rounding_support import Rounding, on_other_processors, rounded
from tests.unit.proof.support import RingShard, cut, run_ring, with_token
from workers.engine.engine import ShardEngine
from workers.identity.answer_leaf import chosen_token
from workers.protocol.boundary import Boundary
from workers.protocol.wire import Tensor

COUNT = 6
SPANS = ((0, 0), (1, 2), (3, 3))
VERIFIER = Serial("verifier")


@pytest.fixture(scope="module", params=[Quantization.F32, Quantization.Q8, Quantization.Q4_PLAIN])
def shards(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RingShard, ...]:
    folder: Path = tmp_path_factory.mktemp("phones")
    library = Library(folder / "home")
    model = library.import_folder(write_random(folder / "checkpoint"), "tiny", request.param)
    return cut(library, model, SPANS)


def answered(case: AuditCase, other: Rounding | None = None) -> PhoneAnswer:
    """Return what an honest phone answers: it sees the rows alone."""
    question = question_of(case)
    assert question is not None
    part = question.part
    assert all((part.graph_path.parent / name).is_file() for name in question.files)
    graph = rounded(part.graph_path, other) if other else part.graph_path
    return PhoneAnswer(
        VERIFIER, question, ShardEngine(graph, part.shape, 1).run(0, 0, question.rows)
    )


def of_others(case: AuditCase) -> AuditCase:
    """Return the case as this computer has it of a phone of another class."""
    return replace(case, host_class="here", registered_class="class")


@pytest.mark.parametrize("boundary", list(Boundary))
def test_an_honest_phone_passes_honest_stages_wherever_they_are(
    shards: tuple[RingShard, ...], boundary: Boundary
) -> None:
    for case in run_ring(shards, COUNT, boundary=boundary).cases:
        answer = answered(case)
        found = verdict_by(case, answer)
        assert is_right(case, answer) is True
        if found is None:  # only ever a reason to look at each step here
            assert case.parts
            assert audit(case).passed
            continue
        assert (found.passed, found.verifier) == (True, VERIFIER)
        assert found.evidence["host_class"] == ""


def test_phones_of_another_class_vouch_for_each_other_by_their_own_rounding(
    shards: tuple[RingShard, ...],
) -> None:
    elsewhere = on_other_processors(shards, Rounding.ROWS)
    for case in map(of_others, run_ring(elsewhere, COUNT).cases):
        assert is_right(case, answered(case, Rounding.ROWS)) is True


def _wrong(stage: int, step: int, output: Tensor) -> Tensor:
    if stage == 2:
        return with_token(output, (chosen_token(output) + 1) % 9) if step == 3 else output
    return output * np.float32(1.2) if step == 3 else output


def test_no_honest_answer_passes_a_lie_and_none_speaks_against_who_gave_it(
    shards: tuple[RingShard, ...],
) -> None:
    for case in run_ring(shards, COUNT, _wrong).cases:
        answer = answered(case)
        assert verdict_by(case, answer) is None
        assert is_right(case, answer) is True


@pytest.mark.parametrize("scale", [-1.0, np.nan])
def test_a_false_answer_is_wrong_and_passes_nobody(
    shards: tuple[RingShard, ...], scale: float
) -> None:
    for each in run_ring(shards, COUNT).cases:
        for case in (each, of_others(each)):
            true = answered(case)
            lie = replace(true, rows=(true.rows * np.float32(scale)).astype(np.float32))
            assert verdict_by(case, lie) is None
            assert is_right(case, lie) is False


def test_nobody_is_asked_about_what_was_not_signed_for(shards: tuple[RingShard, ...]) -> None:
    case = run_ring(shards, COUNT).cases[1]
    other = replace(case, receipt=replace(case.receipt, output_root="0" * 64))
    unknown = replace(case, steps=(*case.steps[:-1], replace(case.steps[-1], claimed=None)))
    assert question_of(other) is None
    assert question_of(unknown) is None
