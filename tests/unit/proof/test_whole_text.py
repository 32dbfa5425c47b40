"""Checking all of a text at once finds what no stage could have written, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import ShardloomError
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.proof.chain import ChainShard
from app.proof.stage_parts import open_shard
from app.proof.whole_text import TextAnswer, TextCheck, WholeText
from tests.unit.models.support import write_random
from tests.unit.proof.support import (
    PROMPT,
    RingRun,
    RingShard,
    build_shards,
    cut,
    run_ring,
    with_token,
)
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor

TOKENS = 24
WARM = SamplingRule(temperature=0.8, top_p=0.9, seed=7)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> tuple[RingShard, ...]:
    return build_shards(tmp_path_factory.mktemp("shards"))


def _chain(shards: Sequence[RingShard]) -> list[ChainShard]:
    return [ChainShard(shard.graph_path, shard.shape, shard.all_parts) for shard in shards]


def _text(
    run: RingRun, leaves: Sequence[Tensor], sampling: SamplingRule, boundary: Boundary
) -> WholeText:
    first = len(PROMPT) - 1
    answers = tuple(TextAnswer(first + number, leaf) for number, leaf in enumerate(leaves))
    return WholeText((*PROMPT, *run.tokens[:-1]), answers, sampling, 8, boundary)


def _good(
    shards: Sequence[RingShard],
    run: RingRun,
    leaves: Sequence[Tensor] | None = None,
    sampling: SamplingRule = WARM,
    boundary: Boundary = Boundary.F32,
) -> int:
    check = TextCheck(_chain(shards), bool(shards[0].parts), 1, open_shard, lambda _done: None)
    text = _text(run, run.answers if leaves is None else leaves, sampling, boundary)
    return check.good_answers(text)


@pytest.mark.parametrize("boundary", list(Boundary))
@pytest.mark.parametrize("sampling", [SamplingRule(), WARM])
def test_an_honest_text_stands(
    shards: tuple[RingShard, ...], sampling: SamplingRule, boundary: Boundary
) -> None:
    run = run_ring(shards, TOKENS, sampling=sampling, boundary=boundary)
    assert _good(shards, run, sampling=sampling, boundary=boundary) == TOKENS


@pytest.mark.parametrize("wrong", [0, 7, TOKENS - 1])
def test_a_wrong_token_is_found_where_it_stands(shards: tuple[RingShard, ...], wrong: int) -> None:
    run = run_ring(shards, TOKENS, sampling=WARM)
    leaves = list(run.answers)
    leaves[wrong] = with_token(leaves[wrong], (run.tokens[wrong] + 1) % 250)
    assert _good(shards, run, leaves) == wrong


def test_a_false_log_probability_is_found(shards: tuple[RingShard, ...]) -> None:
    run = run_ring(shards, TOKENS, sampling=WARM)
    leaves = [leaf.copy() for leaf in run.answers]
    leaves[5][1:, 1] -= 0.01
    leaves[5][0, 1] = leaves[5][1:, 1][leaves[5][1:, 0] == leaves[5][0, 0]].sum() or -1.0
    assert _good(shards, run, leaves) == 5


def test_a_stage_that_computed_something_else_is_found(shards: tuple[RingShard, ...]) -> None:
    def lie(stage: int, step: int, output: Tensor) -> Tensor:
        altered = output.copy()
        altered[..., ::2] *= -1
        return altered if stage == 1 and step >= 9 else output

    run = run_ring(shards, TOKENS, lie, sampling=WARM)
    assert _good(shards, run) <= 10 < TOKENS


class _EnoughError(ShardloomError):
    pass


def test_a_check_can_be_ended_between_any_two_runs(shards: tuple[RingShard, ...]) -> None:
    run = run_ring(shards, TOKENS, sampling=WARM)
    shares: list[float] = []

    def go_on(done: float) -> None:
        shares.append(done)
        if done > 0.5:
            raise _EnoughError("audit.text_unchecked", reason="enough")

    check = TextCheck(_chain(shards), False, 1, open_shard, go_on)
    with pytest.raises(_EnoughError):
        check.good_answers(_text(run, run.answers, WARM, Boundary.F32))
    assert shares == sorted(shares)
    assert shares[0] == 0


def test_one_phone_alone_is_checked_too(tmp_path: Path) -> None:

    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "checkpoint"), "tiny")
    (shard,) = cut(library, manifest, ((0, manifest.layer_count - 1),))
    run = run_ring([shard], TOKENS, sampling=WARM)
    assert _good([shard], run) == TOKENS


def test_with_quantised_weights_rounding_is_borne_and_another_token_is_not(tmp_path: Path) -> None:

    library = Library(tmp_path / "home")
    folder = write_random(tmp_path / "checkpoint")
    manifest = library.import_folder(folder, "tiny", Quantization.Q8)
    shards = cut(library, manifest, ((0, 1), (2, 3)))
    run = run_ring(shards, TOKENS, sampling=WARM)
    assert _good(shards, run) == TOKENS
    leaves = list(run.answers)
    least = int(np.argmin([leaf[1, 1] for leaf in leaves]))
    leaves[least] = with_token(leaves[least], (run.tokens[least] + 1) % 250)
    assert _good(shards, run, leaves) == least
