"""Wrong work convicts by one file alone; honest work, and files that were changed, do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from app.core.audit_outcome import SharpOutcome
from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.proof.convicting import accusing
from app.proof.convicting.conviction import ALL_OF_IT, Accused, Conviction
from app.proof.convicting.judging import convicts
from app.proof.convicting.making import convict
from app.proof.records.json_fields import json_object
from app.proof.sharp.classes import RoundingClass
from app.proof.sharp.draws import draw
from app.proof.sharp.verdict import SharpReason, SharpVerdict
from tests.saying import raises_saying
from tests.unit.models.support import write_random
from tests.unit.proof.convicting.support import Change, Work, of_4_bits, of_8_bits, worked
from tests.unit.proof.sharp.support import phone

Made = tuple[Library, dict[Quantization, ModelManifest]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("convicting")
    library = Library(folder / "home")
    written = write_random(folder / "checkpoint", hidden_size=128, intermediate_size=256)
    return library, {
        each: library.import_folder(written, f"tiny-{each}", each) for each in Quantization
    }


@pytest.fixture(scope="module")
def wrong(made: Made, own_class: RoundingClass) -> Work:
    library, models = made
    return worked(library, models[Quantization.F32], own_class, cheap=of_8_bits)


@pytest.fixture(scope="module")
def conviction(wrong: Work) -> Conviction:
    return wrong.convicted(wrong.looked_at())


CHEATS: list[tuple[Quantization, int, Change, str]] = [
    (Quantization.F32, 0, of_8_bits, "Gather embedding"),
    (Quantization.F32, 1, of_8_bits, "FusedMatMul layer.1.query_key_value"),
    (Quantization.F32, 2, of_8_bits, "FusedMatMul layer.3.query_key_value"),
    (Quantization.Q8, 1, of_4_bits, "MatMulNBits layer.1.query_key_value"),
]


@pytest.mark.parametrize(("quantization", "stage", "cheap", "operator"), CHEATS)
def test_cheaper_weights_convict_in_every_stage_by_the_file_alone(
    made: Made,
    own_class: RoundingClass,
    quantization: Quantization,
    stage: int,
    cheap: Change,
    operator: str,
) -> None:
    library, models = made
    work = worked(library, models[quantization], own_class, stage, cheap)
    found = work.convicted(work.looked_at())
    judgement = convicts(found.content())
    assert judgement.outcome is SharpOutcome.FAILED
    assert judgement.verdict.reason is SharpReason.OPERATOR
    assert judgement.receipt == work.case.receipt
    assert judgement.public_key == work.key.public_key().public_bytes_raw()
    assert judgement.verdict.deviation > 4
    assert judgement.verdict.operator == operator


def test_work_that_was_not_what_was_replayed_convicts_by_its_end(
    made: Made, own_class: RoundingClass
) -> None:
    library, models = made
    work = worked(
        library, models[Quantization.F32], own_class, cheap=of_8_bits, replays_cheaply=False
    )
    judgement = convicts(work.convicted(work.looked_at()).content())
    assert judgement.outcome is SharpOutcome.FAILED
    assert judgement.verdict.reason is SharpReason.ENDS_ELSEWHERE


def test_false_figures_of_a_token_convict_by_its_end(made: Made, own_class: RoundingClass) -> None:
    def lie(stage: int, step: int, output: np.ndarray) -> np.ndarray:
        if stage != 2 or step < 2:
            return output
        told = output.copy()
        told[:, 1] -= 1
        return told

    library, models = made
    work = worked(library, models[Quantization.F32], own_class, stage=2, alter=lie)
    judgement = convicts(work.convicted(work.looked_at()).content())
    assert judgement.verdict.reason is SharpReason.ENDS_ELSEWHERE


@pytest.mark.parametrize("quantization", list(Quantization))
@pytest.mark.parametrize("stage", [0, 1, 2])
def test_no_operator_of_an_honest_phone_convicts_whichever_is_accused(
    made: Made, own_class: RoundingClass, quantization: Quantization, stage: int
) -> None:
    library, models = made
    work = worked(library, models[quantization], own_class, stage)
    test = work.looked_at()
    sharp = phone(work.case, work.rounding).sharp
    draws = draw(sharp.graph, sharp.extent, test.seed, test.rows, test.operators)
    for drawn in draws[::7]:
        said = SharpVerdict(SharpReason.OPERATOR, operator=drawn.operator.name, row=drawn.row)
        found = convict(test, said, work.store, work.model, work.files)
        assert convicts(found.content()).verdict.reason is SharpReason.HOLDS
    said = SharpVerdict(SharpReason.ENDS_ELSEWHERE)
    ended = convict(test, said, work.store, work.model, work.files)
    assert convicts(ended.content()).outcome is SharpOutcome.PASSED


def test_only_what_the_operator_takes_is_in_the_file(wrong: Work, conviction: Conviction) -> None:
    test = wrong.looked_at()
    assert sum(len(each.rows) for each in conviction.test.shown) < len(test.shown[0].rows) / 20
    size = sum(len(chunk) for each in conviction.chunks for chunk in each.chunks.values())
    assert 0 < size < sum(each.size_bytes for each in wrong.files) / 4


def test_a_wide_product_convicts_by_some_of_its_numbers(
    wrong: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = wrong.convicted(wrong.looked_at())
    monkeypatch.setattr(accusing, "MOST_NUMBERS", 16)
    few = wrong.convicted(wrong.looked_at())
    assert count_chunks(few) < count_chunks(whole)
    assert convicts(few.content()).verdict.deviation > 2
    assert few.accused.number != ALL_OF_IT


def count_chunks(found: Conviction) -> int:
    return sum(len(each.chunks) for each in found.chunks)


def changed(found: Conviction, change: Callable[[dict], None]) -> bytes:  # type: ignore[type-arg]
    fields = dict(json_object(found.content()))
    change(fields)
    return json.dumps(fields).encode()


def test_a_file_that_was_cut_or_is_of_another_form_is_told_in_a_line(
    conviction: Conviction,
) -> None:
    content = conviction.content()
    with raises_saying(BadInputError, match="cut short or damaged"):
        convicts(content[: len(content) // 2])
    with raises_saying(BadInputError, match="no evidence"):
        convicts(b"")
    with raises_saying(BadInputError, match="no evidence"):
        convicts(b'{"type":"something"}')
    with raises_saying(BadInputError, match="another version's form"):
        convicts(changed(conviction, lambda fields: fields.update(type="poip/v9/conviction")))


def test_what_a_test_left_that_convicted_nobody_is_told_from_a_conviction(
    conviction: Conviction,
) -> None:
    with raises_saying(BadInputError, match="convicted nobody"):
        convicts(conviction.test.content())


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def with_chunk(found: Conviction) -> Conviction:
    first, *others = found.chunks
    number = next(iter(first.chunks))
    chunks = {**first.chunks, number: flipped(first.chunks[number])}
    return replace(found, chunks=(replace(first, chunks=chunks), *others))


def without_chunk(found: Conviction) -> Conviction:
    return replace(found, chunks=())


def with_root(found: Conviction) -> Conviction:
    first, *others = found.files
    return replace(found, files=(replace(first, root="0" * 64), *others))


def with_model(found: Conviction) -> Conviction:
    return replace(found, model=found.model.replace("tiny", "tina"))


def with_graph(found: Conviction) -> Conviction:
    return replace(found, graph=found.graph + b"\x3a\x00")


def with_head(found: Conviction) -> Conviction:
    test = replace(found.test, shape=replace(found.test.shape, has_head=True))
    return replace(found, test=test)


def with_input(found: Conviction) -> Conviction:
    first, *others = found.test.steps
    steps = (replace(first, inputs=first.inputs + 1), *others)
    return replace(found, test=replace(found.test, steps=steps))


def with_key(found: Conviction) -> Conviction:
    return replace(found, test=replace(found.test, public_key=bytes(range(32))))


CHANGES: list[tuple[Callable[[Conviction], Conviction], str]] = [
    (with_chunk, "do not lead to"),
    (without_chunk, "damaged"),
    (with_root, "other weights"),
    (with_model, "another model"),
    (with_graph, "another graph"),
    (with_head, "another graph"),
    (with_input, "not about what its receipt"),
    (with_key, "does not hold"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_what_does_not_belong_together_is_no_evidence(
    conviction: Conviction, change: Callable[[Conviction], Conviction], told: str
) -> None:
    with raises_saying(BadInputError, match=told):
        convicts(change(conviction).content())


def test_rows_that_were_not_signed_for_convict_nobody(conviction: Conviction) -> None:
    (shown,) = conviction.test.shown
    leaf = next(iter(shown.rows))
    rows = {**shown.rows, leaf: shown.rows[leaf] + 1}
    for other in (replace(shown, rows=rows), replace(shown, proof=shown.proof[1:])):
        test = replace(conviction.test, shown=(other,))
        judgement = convicts(replace(conviction, test=test).content())
        assert judgement.outcome is SharpOutcome.REFUSED
    test = replace(conviction.test, shown=())
    assert convicts(replace(conviction, test=test).content()).outcome is SharpOutcome.REFUSED


def test_another_operator_than_was_opened_convicts_nobody(conviction: Conviction) -> None:
    for operator in range(40):
        if operator != conviction.accused.operator:
            other = replace(conviction, accused=Accused(operator, conviction.accused.row))
            try:
                judgement = convicts(other.content())
            except BadInputError:
                continue
            assert judgement.outcome is not SharpOutcome.FAILED


def test_a_class_that_is_not_reproduced_is_not_convicted(
    made: Made, own_class: RoundingClass
) -> None:
    library, models = made
    work = worked(library, models[Quantization.Q8], own_class, cheap=of_4_bits)
    found = work.convicted(work.looked_at())
    test = replace(found.test, canary=tuple(each + 1 for each in found.test.canary))
    judgement = convicts(replace(found, test=test).content())
    assert judgement.outcome is SharpOutcome.UNAVAILABLE
    assert not judgement.reproduced
