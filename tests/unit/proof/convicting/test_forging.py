"""What a host may forge of an honest phone's work: nothing of it convicts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from app.core.audit_outcome import SharpOutcome
from app.core.errors import BadInputError
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.proof.case import AuditStep
from app.proof.convicting.accusing import deviation, needed_leaves
from app.proof.convicting.conviction import ALL_OF_IT, Accused, Conviction
from app.proof.convicting.judging import convicts
from app.proof.sharp.classes import RoundingClass
from app.proof.sharp.convincing import convinces, signed_parts
from app.proof.sharp.evidence import Signed
from app.proof.sharp.operators import ATTENTION
from app.proof.sharp.verdict import SharpReason
from tests.saying import raises_saying
from tests.unit.models.support import write_random
from tests.unit.proof.convicting.support import Work, worked
from tests.unit.proof.sharp.support import Phone, phone
from workers.identity.answer_leaf import no_answer
from workers.identity.choices import choices_root
from workers.identity.digests import shard_digest
from workers.identity.receipts import canonical_bytes, sign_receipt
from workers.identity.states import STATES_DOMAIN, states_bytes
from workers.protocol.sampling_rule import Steering
from workers.protocol.wire import Tensor

STAGES = [(quantization, stage) for quantization in Quantization for stage in range(3)]


@pytest.fixture(scope="module", params=STAGES, ids=lambda each: f"{each[0]}-{each[1]}")
def honest(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    own_class: RoundingClass,
) -> Work:
    quantization, stage = request.param
    folder = tmp_path_factory.mktemp("forging")
    library = Library(folder / "home")
    written = write_random(folder / "checkpoint")
    return worked(library, library.import_folder(written, "tiny", quantization), own_class, stage)


@pytest.fixture(scope="module")
def shows(honest: Work) -> Phone:
    return phone(honest.case, honest.rounding)


@pytest.fixture(scope="module")
def made_head(tmp_path_factory: pytest.TempPathFactory, own_class: RoundingClass) -> Work:
    folder = tmp_path_factory.mktemp("head")
    library = Library(folder / "home")
    manifest = library.import_folder(write_random(folder / "checkpoint"), "tiny")
    return worked(library, manifest, own_class, 2)


@pytest.fixture(scope="module")
def head(made_head: Work) -> Conviction:
    found = phone(made_head.case, made_head.rounding)
    return made_head.accused(found, Accused(ALL_OF_IT, 1))


def every_accusation(found: Phone) -> Iterator[Accused]:
    sharp = found.sharp
    for row in range(sharp.extent.rows):
        yield Accused(ALL_OF_IT, row)
        for operator in sharp.graph.operators:
            yield Accused(operator.number, row)
            if operator.kind == ATTENTION:
                yield Accused(operator.number, row, reads_cache=True)


def every_row(found: Phone) -> dict[int, Tensor]:
    """Return all that the phone signed for, by leaf."""
    numbers = range(len(found.replay.leaf_hashes))
    return dict(zip(numbers, found.replay.open(numbers).rows, strict=True))


def test_nothing_of_an_honest_phone_is_off_whatever_is_accused_in_whichever_row(
    shows: Phone,
) -> None:
    rows, refused = every_row(shows), set()
    for accused in every_accusation(shows):
        try:
            needed = needed_leaves(shows.sharp, accused)
        except IndexError:
            refused.add(accused.row)
            continue
        opened = {leaf: rows[number] for number, leaf in needed.items()}
        assert deviation(shows.sharp, accused, opened, b"signed") <= 1, accused
    assert bool(refused) == shows.case.shape.has_head


def test_the_head_of_an_honest_phone_is_accused_in_no_row_but_the_last_of_a_step(
    honest: Work, shows: Phone
) -> None:
    graph = shows.sharp.graph
    for operator in graph.operators:
        if not graph.by_step.isdisjoint(operator.outputs):
            last = honest.accused(shows, Accused(operator.number, 1))
            assert convicts(last.content()).verdict.reason is SharpReason.HOLDS
            for row in (0, 2):
                with raises_saying(BadInputError, match="damaged"):
                    convicts(replace(last, accused=Accused(operator.number, row)).content())


def test_an_end_beyond_the_text_is_no_evidence(honest: Work, shows: Phone) -> None:
    ended = honest.accused(shows, Accused(ALL_OF_IT, 0))
    for row in (shows.sharp.extent.rows, 1 << 40):
        with raises_saying(BadInputError, match="damaged"):
            convicts(replace(ended, accused=Accused(ALL_OF_IT, row)).content())


def test_a_host_that_says_that_a_token_was_wanted_convicts_nobody(
    honest: Work, shows: Phone
) -> None:
    if not honest.case.shape.has_head:
        return
    (chunk,) = (number for number, each in enumerate(honest.case.steps) if not each.wants_token)
    found = honest.accused(shows, Accused(ALL_OF_IT, chunk))
    steps = [*honest.case.steps]
    steps[chunk] = replace(steps[chunk], wants_token=True, claimed=no_answer())
    said = replace(found, test=replace(found.test, steps=tuple(steps)))
    with raises_saying(BadInputError, match="not about what its receipt is for"):
        convicts(said.content())


@pytest.fixture(scope="module", params=list(Quantization))
def second_best(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    own_class: RoundingClass,
) -> Work:
    """Return the work of a last stage that told the second-best tokens with their true figures."""

    def second(stage: int, step: int, output: Tensor) -> Tensor:
        likeliest = output[2] if stage == 2 and step else None
        return output if likeliest is None else np.array([likeliest, *output[1:]], np.float32)

    folder = tmp_path_factory.mktemp("second")
    library = Library(folder / "home")
    manifest = library.import_folder(write_random(folder / "checkpoint"), "tiny", request.param)
    return worked(library, manifest, own_class, 2, alter=second)


def signed_for(work: Work, choices: str | None, steps: Sequence[AuditStep] | None = None) -> Work:
    """Return the work with another root of choices signed, and other steps said."""
    case = work.case
    grounds = None if choices is None else case.receipt.grounds
    receipt = replace(case.receipt, choices=choices, grounds=grounds)
    return replace(work, case=replace(case, receipt=receipt, steps=tuple(steps or case.steps)))


def discouraged(steps: Iterable[AuditStep]) -> list[AuditStep]:
    """Return the steps with a penalty on each token that was the best."""
    return [
        replace(step, steering=Steering(b"", (), (int(step.claimed[1, 0]),), 10.0))
        if step.wants_token and step.claimed is not None
        else step
        for step in steps
    ]


TOKEN_AT_1 = Accused(ALL_OF_IT, 1, token=True)


def test_another_token_with_true_figures_convicts_by_one_file(second_best: Work) -> None:
    found = convicts(second_best.convicted(second_best.looked_at()).content())
    assert (found.outcome, found.verdict.reason) == (
        SharpOutcome.FAILED,
        SharpReason.CHOSEN_OTHERWISE,
    )
    shown = phone(second_best.case, second_best.rounding)
    ended = second_best.accused(shown, Accused(ALL_OF_IT, 1))
    assert convicts(ended.content()).verdict.reason is SharpReason.HOLDS


def test_a_host_that_keeps_quiet_about_what_steered_a_token_convicts_nobody(
    second_best: Work,
) -> None:
    steps = discouraged(second_best.case.steps)
    steered = signed_for(second_best, choices_root(step.choice for step in steps), steps)
    shown = phone(steered.case, steered.rounding)
    found = steered.accused(shown, TOKEN_AT_1)
    assert convicts(found.content()).verdict.reason is SharpReason.HOLDS
    assert convinces(steered.looked_at().content(), steered.store).outcome is SharpOutcome.PASSED
    quiet = replace(found, test=replace(found.test, steps=second_best.case.steps))
    with raises_saying(BadInputError, match="not about what its receipt is for"):
        convicts(quiet.content())


def test_a_phone_that_was_told_nothing_cannot_be_made_to_look_steered(second_best: Work) -> None:
    steps = discouraged(second_best.case.steps)
    said = signed_for(second_best, second_best.case.receipt.choices, steps)
    with pytest.raises(BadInputError):
        convinces(said.looked_at().content(), said.store)


def test_a_token_convicts_nobody_whose_receipt_is_older_than_that(second_best: Work) -> None:
    old = signed_for(second_best, None)
    judged = convinces(old.looked_at().content(), old.store)
    assert judged.verdict.reason is SharpReason.CHOICE_UNSIGNED
    assert judged.outcome is SharpOutcome.UNAVAILABLE
    found = old.accused(phone(old.case, old.rounding), TOKEN_AT_1)
    assert convicts(found.content()).verdict.reason is SharpReason.HOLDS


def test_a_mask_that_leaves_no_token_convicts_nobody(second_best: Work) -> None:
    steps = [
        replace(step, steering=Steering(b"mask")) if step.wants_token else step
        for step in second_best.case.steps
    ]
    masked = signed_for(second_best, choices_root(step.choice for step in steps), steps)
    found = masked.accused(phone(masked.case, masked.rounding), TOKEN_AT_1)
    assert convicts(found.content()).verdict.reason is SharpReason.HOLDS


def with_inner(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return a conviction with something changed in its test, written as nobody here writes it."""
    fields = json.loads(content)
    inner = json.loads(fields["test"])
    change(inner)
    return json.dumps({**fields, "test": json.dumps(inner)}).encode()


def many_dimensions(inner: dict[str, Any]) -> None:
    inner["canary"][0] = {"dtype": "f4", "shape": [1] * 70, "data": "AAAAAA=="}


def half_a_character(inner: dict[str, Any]) -> None:
    inner["receipt"]["data"] = "\ud800"


@pytest.mark.parametrize("change", [many_dimensions, half_a_character])
def test_a_test_that_cannot_be_read_is_no_evidence(
    head: Conviction, change: Callable[[dict[str, Any]], None]
) -> None:
    with pytest.raises(BadInputError):
        convicts(with_inner(head.content(), change))


@pytest.mark.parametrize("name", ["model", "test"])
def test_half_a_character_is_no_evidence(head: Conviction, name: str) -> None:
    fields = json.loads(head.content())
    fields[name] = "\ud800"
    with pytest.raises(BadInputError):
        convicts(json.dumps(fields).encode())


def test_a_graph_too_deep_to_be_walked_is_no_evidence(made_head: Work, head: Conviction) -> None:
    graph, place = many_forms_before_the_logits(head.graph, 3000)
    digest = hashlib.sha256(graph).hexdigest()
    receipt = made_head.case.receipt
    signed = replace(receipt, graph=digest, shard=shard_digest(digest, made_head.files))
    _receipt, statement = signed_parts(head.test)
    states = states_bytes(replace(statement, graph=digest))
    test = replace(
        head.test,
        receipt=Signed(canonical_bytes(signed), sign_receipt(signed, made_head.key)),
        statement=Signed(states, made_head.key.sign(STATES_DOMAIN + states)),
    )
    accused = replace(head.accused, operator=place, row=1)
    with raises_saying(BadInputError, match="damaged"):
        convicts(replace(head, test=test, graph=graph, accused=accused).content())


def many_forms_before_the_logits(graph: bytes, count: int) -> tuple[bytes, int]:
    """Return a graph with so many views of what its last product reads, and that one's place."""
    model = onnx.load_model_from_string(graph)
    nodes = [*model.graph.node]
    place = next(number for number, each in enumerate(nodes) if "logits" in each.output)
    forms = [
        helper.make_node("Reshape", [f"form.{each}", "form"], [f"form.{each + 1}"])
        for each in range(count)
    ]
    forms[0].input[0] = nodes[place].input[0]
    nodes[place].input[0] = f"form.{count}"
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:place], *forms, *nodes[place:]])
    model.graph.initializer.append(numpy_helper.from_array(np.array([-1]), "form"))
    return model.SerializeToString(), place + count
