"""Honest phones of every processor whose rounding is known pass, whatever they run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.proof.case import AuditCase
from app.proof.sharp.classes import Rounding, RoundingClass
from app.proof.sharp.graph import NotCoveredError
from app.proof.sharp.judging import SharpCase
from app.proof.sharp.verdict import SharpReason
from tests.unit.models.families import FAMILIES, write_family
from tests.unit.models.support import write_random
from tests.unit.proof.rounding_support import Rounding as Emulated
from tests.unit.proof.rounding_support import rounded
from tests.unit.proof.sharp.support import looked_at, on_kleidi, phone, rounds
from tests.unit.proof.support import RingShard, cut, run_ring
from workers.protocol.boundary import Boundary

SPANS = ((0, 0), (1, 1), (2, 2))
COUNT = 3
WITH_EXPERTS = ("qwen3_moe", "mixtral", "phimoe", "olmoe", "granitemoe")
WITH_SINKS = ("gpt_oss",)
"""Whose attention is not recomputed."""


def shards(folder: Path, family: str, quantization: Quantization) -> tuple[RingShard, ...]:
    library = Library(folder / "home")
    written = write_family(folder / "checkpoint", family)
    return cut(library, library.import_folder(written, "tiny", quantization), SPANS)


@pytest.mark.parametrize("quantization", list(Quantization))
@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - {*WITH_EXPERTS, *WITH_SINKS}))
def test_every_operator_of_every_decoder_is_what_this_machine_computes(
    tmp_path: Path, family: str, quantization: Quantization, own_class: RoundingClass
) -> None:
    ring = shards(tmp_path, family, quantization)
    for case in run_ring(ring, COUNT).cases:
        verdict = looked_at(phone(case, own_class))
        assert verdict.reason is SharpReason.HOLDS, verdict
        assert verdict.exact_end or case.shape.has_head
        assert verdict.not_judged == 0 < verdict.looked_at


@pytest.mark.parametrize("quantization", [Quantization.Q8, Quantization.Q4_PLAIN])
@pytest.mark.parametrize(
    ("emulated", "rounding"),
    [
        (Emulated.NONE, Rounding.NONE),
        (Emulated.BLOCKS, Rounding.BLOCKS),
        (None, Rounding.ROWS_SHORT_SCALES),
    ],
)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    heads=st.sampled_from([(2, 1, 16), (4, 2, 16), (6, 3, 32), (4, 4, 24)]),
    inner=st.sampled_from([32, 96, 224]),
    seed=st.integers(0, 1 << 16),
)
def test_phones_of_other_processors_pass_under_their_own_class(
    tmp_path_factory: pytest.TempPathFactory,
    quantization: Quantization,
    emulated: Emulated | None,
    rounding: Rounding,
    heads: tuple[int, int, int],
    inner: int,
    seed: int,
) -> None:
    queries, keys, size = heads
    folder = tmp_path_factory.mktemp("other")
    written = write_random(
        folder / "checkpoint",
        hidden_size=queries * size,
        num_attention_heads=queries,
        num_key_value_heads=keys,
        intermediate_size=inner,
        head_dim=size,
    )
    library = Library(folder / "home")
    ring = cut(library, library.import_folder(written, "tiny", quantization), ((0, 2), (3, 3)))
    prompt = np.random.default_rng(seed).integers(0, 320, 9).tolist()
    case = run_ring(ring, COUNT, prompt=prompt).cases[0]
    graph = rounded(case.graph_path, emulated) if emulated else on_kleidi(case.graph_path)
    verdict = looked_at(phone(case, rounds(rounding), graph), rows=4)
    wrong = verdict.reason is SharpReason.OPERATOR
    assert not wrong, verdict


@pytest.mark.parametrize("family", WITH_SINKS)
def test_families_with_other_attention_are_said_not_to_be_covered(
    tmp_path: Path, family: str
) -> None:
    cases = run_ring(shards(tmp_path, family, Quantization.F32), COUNT).cases
    assert not any(map(is_covered, cases))


def is_covered(case: AuditCase) -> bool:
    try:
        SharpCase.of(case, None)
    except NotCoveredError:
        return False
    return True


@pytest.mark.parametrize("boundary", list(Boundary))
def test_the_form_in_which_rows_are_sent_changes_nothing(
    tmp_path: Path, boundary: Boundary, own_class: RoundingClass
) -> None:
    ring = shards(tmp_path, "llama", Quantization.F32)
    case = run_ring(ring, COUNT, boundary=boundary).cases[1]
    verdict = looked_at(phone(case, own_class))
    assert verdict.reason is SharpReason.HOLDS
    assert verdict.exact_end


def test_products_of_a_class_that_nobody_reproduced_are_not_judged(tmp_path: Path) -> None:
    ring = shards(tmp_path, "llama", Quantization.Q8)
    case = run_ring(ring, COUNT).cases[1]
    verdict = looked_at(phone(case, None, rounded(case.graph_path, Emulated.ROWS)))
    assert verdict.reason is not SharpReason.OPERATOR
    assert verdict.not_judged > 0 < verdict.looked_at
