"""The sharp test: a pure function of an audit's case, a signed replay and what it showed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.proof.answers.grounds import are_signed
from app.proof.case import AuditCase, AuditStep
from app.proof.sharp.classes import RoundingClass
from app.proof.sharp.draws import Draw, Extent, Leaf, leaf_at, leaves_of
from app.proof.sharp.ends import choice_deviation, end_deviation, final_row_deviation
from app.proof.sharp.graph import EXPERTS, NotCoveredError, StageGraph
from app.proof.sharp.one_row import OneRow
from app.proof.sharp.operators import (
    BOTH_WAYS,
    SeenRows,
    cache_states,
    recompute,
    require_covered,
    rounding_of,
    seen_states,
)
from app.proof.sharp.products import Numbers
from app.proof.sharp.recomputed import Recomputed, excess
from app.proof.sharp.verdict import Opening, SharpReason, SharpVerdict
from workers.engine.hidden import computed_form
from workers.errors import ReceiptError
from workers.identity.openings import root_of_leaves
from workers.identity.states import MAXIMUM_LEAVES, StatesBody, names_digest, row_hash
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class SharpCase:
    """One stage of one attempt, as its audit has it, and how its phone rounds."""

    case: AuditCase
    graph: StageGraph
    extent: Extent
    rounding: RoundingClass | None

    @classmethod
    def of(
        cls, case: AuditCase, rounding: RoundingClass | None, graph: StageGraph | None = None
    ) -> SharpCase:
        """Read the graph. Raises `NotCoveredError` where the stage cannot be looked at so."""
        graph = StageGraph.read(case.graph_path) if graph is None else graph
        extent = Extent.of(case.steps)
        if extent is None:
            raise NotCoveredError("rows-written-twice")
        require_covered(graph)
        if graph.leaves(extent.rows, extent.steps) > MAXIMUM_LEAVES:
            raise NotCoveredError("text-too-long")
        return cls(case, graph, extent, rounding)

    def number(self, leaf: Leaf) -> int:
        """Return a leaf's place in the tree."""
        return self.graph.leaf(leaf.state, leaf.place, self.extent.rows, self.extent.steps)

    def wanted(self, draws: Iterable[Draw], *, all_ends: bool) -> list[Leaf]:
        """Return all leaves to open, in order: those of draws, and the end of their rows."""
        graph, extent = self.graph, self.extent
        leaves = {leaf for drawn in draws for leaf in leaves_of(graph, extent, drawn)}
        rows = range(extent.rows) if all_ends else {drawn.row for drawn in draws}
        leaves |= {leaf_at(graph, extent, graph.output, row) for row in rows}
        if graph.final_state is not None and are_signed(self.case):
            ends = extent.ends if all_ends else {extent.ends[extent.step_of(row)] for row in rows}
            leaves |= {leaf_at(graph, extent, graph.final_state, end - 1) for end in ends}
        return sorted(leaves, key=self.number)


def statement_fits(sharp: SharpCase, statement: StatesBody) -> bool:
    """Tell whether a statement is about a receipt's own steps, graph and class, states complete."""
    receipt, graph, extent = sharp.case.receipt, sharp.graph, sharp.extent
    return (
        (statement.serial, statement.graph, statement.input_root)
        == (receipt.serial, receipt.graph, receipt.input_root)
        and statement.numerical_class == receipt.numerical_class
        and statement.states == names_digest(graph.states)
        and (statement.steps, statement.rows) == (extent.steps, extent.rows)
        and statement.leaves == graph.leaves(extent.rows, extent.steps)
    )


def judge(
    sharp: SharpCase,
    statement: StatesBody,
    draws: Sequence[Draw],
    openings: Sequence[Opening],
) -> SharpVerdict:
    """Return what comes of the draws; the same from the same evidence, wherever it is judged."""
    if not statement_fits(sharp, statement):
        return SharpVerdict(SharpReason.OTHER_STATEMENT)
    opened: dict[Leaf, Tensor] = {}
    for opening in openings:
        if not leads_to(sharp, statement, opening):
            return SharpVerdict(SharpReason.OPENED_OTHERWISE)
        opened |= opening.rows
    try:
        return _judged(sharp, draws, opened)
    except NotCoveredError as error:
        return SharpVerdict(SharpReason.NOT_COVERED, operator=str(error))
    except (KeyError, IndexError):
        return SharpVerdict(SharpReason.OPENED_OTHERWISE)


def leads_to(sharp: SharpCase, statement: StatesBody, opening: Opening) -> bool:
    """Tell whether opened rows are those that a statement is for."""
    leaves = {sharp.number(leaf): row_hash(row) for leaf, row in opening.rows.items()}
    if any(row.dtype != np.float32 or row.ndim != 1 for row in opening.rows.values()):
        return False
    try:
        root = root_of_leaves(statement.leaves, leaves, opening.proof)
    except ReceiptError:
        return False
    return root.hex() == statement.states_root


def _judged(sharp: SharpCase, draws: Sequence[Draw], opened: Mapping[Leaf, Tensor]) -> SharpVerdict:
    off = {drawn: _deviation(sharp, drawn, opened) for drawn in draws}
    judged = {drawn: each for drawn, each in off.items() if each is not None}
    worst: dict[str, float] = {}
    for drawn, each in judged.items():
        worst[drawn.operator.kind] = max(worst.get(drawn.operator.kind, 0.0), each)
    ended = end_of(sharp, opened)
    found = SharpVerdict(
        SharpReason.ENDS_ELSEWHERE if ended > 1 else _of_tokens(sharp, opened),
        deviation=max(ended, choice_of(sharp, opened), *worst.values()),
        looked_at=len(judged),
        not_judged=len(off) - len(judged),
        exact_end=ended == 0,
        worst=worst,
    )
    wrong = [drawn for drawn, each in judged.items() if each > 1]
    if not wrong:
        mixture = sharp.graph.mixture
        return found if mixture is None else _beside_experts(found, mixture.name)
    first = min(wrong, key=lambda drawn: (drawn.operator.number, drawn.row))
    return replace(
        found,
        reason=SharpReason.OPERATOR,
        operator=first.operator.name,
        row=first.row,
        deviation=judged[first],
    )


def _beside_experts(found: SharpVerdict, mixture: str) -> SharpVerdict:
    """Return that nothing is wrong around experts: who is not convicted so is not cleared."""
    return replace(found, reason=SharpReason.NOT_COVERED, operator=mixture)


def _deviation(sharp: SharpCase, drawn: Draw, opened: Mapping[Leaf, Tensor]) -> float | None:
    """Return how far an operator is off in a row; None where that cannot be told."""
    compared = compare(sharp, drawn, opened)
    return None if compared is None else max(excess(*each) for each in compared)


def compare(
    sharp: SharpCase, drawn: Draw, opened: Mapping[Leaf, Tensor], numbers: Numbers = None
) -> list[tuple[Tensor, Recomputed]] | None:
    """Return each output of an operator in a row, as it was opened and as it must be.

    Of a product these are some `numbers`, or all. None where the phone's rounding is not known, and
    of experts.
    Raises `KeyError` for a state that was not opened, `NotCoveredError` and `IndexError`.
    """
    graph, extent, operator = sharp.graph, sharp.extent, drawn.operator
    step = extent.step_of(drawn.row)
    rounding = rounding_of(graph, operator, extent.rows_of(step), sharp.rounding)
    if rounding is None or operator.kind == EXPERTS:
        return None
    leaves = {leaf.state: leaf for leaf in leaves_of(graph, extent, drawn)}
    own = {name: opened[leaf_at(graph, extent, name, drawn.row)] for name in leaves}
    row = OneRow(graph, drawn.row, _entered(sharp, step, drawn.row), own)
    seen = _seen(sharp, drawn, opened) if drawn.reads_cache else None
    honest = recompute(operator, row, rounding, seen, numbers)
    some = slice(None) if numbers is None else list(numbers)
    return [(own[name][some], each) for name, each in honest.items()]


def _entered(sharp: SharpCase, step: int, row: int) -> Tensor:
    inputs = sharp.case.steps[step].inputs
    entered: Tensor = computed_form(inputs)[0, row - sharp.case.steps[step].position]
    return np.atleast_1d(entered)


def _seen(sharp: SharpCase, drawn: Draw, opened: Mapping[Leaf, Tensor]) -> SeenRows:
    if drawn.operator.kind == BOTH_WAYS:
        return _beside(sharp, drawn, opened)
    keys, values = (
        np.stack([opened[Leaf(state, row)] for row in range(drawn.row + 1)])
        for state in cache_states(drawn.operator)
    )
    return SeenRows(keys, values, drawn.row)


def _beside(sharp: SharpCase, drawn: Draw, opened: Mapping[Leaf, Tensor]) -> SeenRows:
    """Return keys and values of all rows of a step, read off the states that hold them."""
    graph, extent, operator = sharp.graph, sharp.extent, drawn.operator
    states, step = seen_states(graph, operator), extent.step_of(drawn.row)
    rows = []
    for place in extent.beside(drawn.row):
        own = {name: opened[Leaf(name, place)] for name in states}
        rows.append(OneRow(graph, place, _entered(sharp, step, place), own))
    keys, values = (np.stack([row.value(name) for row in rows]) for name in operator.inputs[1:3])
    return SeenRows(keys, values, drawn.row - extent.beside(drawn.row).start)


def end_of(sharp: SharpCase, opened: Mapping[Leaf, Tensor]) -> float:
    """Return how far the worst of the opened rows ends from what was sent.

    Where rows may honestly have gone to other experts the time before they may end anywhere.
    """
    if sharp.graph.mixture is not None:
        return 0.0
    case, quantized = sharp.case, sharp.graph.is_quantized
    ends = [
        end_deviation(case, step, row, ended, quantized=quantized)
        for step, row, ended in _ends(sharp, opened)
    ]
    into_head = [
        final_row_deviation(case, step, row, quantized=quantized)
        for step, row in _final_rows(sharp, opened)
    ]
    return max([*ends, *into_head], default=0.0)


def choice_of(sharp: SharpCase, opened: Mapping[Leaf, Tensor]) -> float:
    """Return how far the worst of the tokens that came of opened logits is from being chosen."""
    if sharp.graph.mixture is not None:
        return 0.0
    case, quantized = sharp.case, sharp.graph.is_quantized
    return max(
        (
            choice_deviation(case, step, logits, quantized=quantized)
            for step, _row, logits in _ends(sharp, opened)
        ),
        default=0.0,
    )


def _of_tokens(sharp: SharpCase, opened: Mapping[Leaf, Tensor]) -> SharpReason:
    if choice_of(sharp, opened) <= 1:
        return SharpReason.HOLDS
    signed = sharp.case.receipt.choices is not None
    return SharpReason.CHOSEN_OTHERWISE if signed else SharpReason.CHOICE_UNSIGNED


def _final_rows(
    sharp: SharpCase, opened: Mapping[Leaf, Tensor]
) -> Iterator[tuple[AuditStep, Tensor]]:
    """Yield what was opened of what went into the head, with its step."""
    extent = sharp.extent
    if sharp.graph.final_state is None or not sharp.case.shape.has_head:
        return
    for leaf, row in opened.items():
        if leaf.state == sharp.graph.final_state and leaf.place + 1 in extent.ends:
            yield sharp.case.steps[extent.step_of(leaf.place)], row


def _ends(
    sharp: SharpCase, opened: Mapping[Leaf, Tensor]
) -> Iterator[tuple[AuditStep, int, Tensor]]:
    """Yield what was opened of the stage's end, with its step and its row there."""
    graph, extent = sharp.graph, sharp.extent
    for leaf, ended in opened.items():
        if leaf.state == graph.output:
            of_step = leaf.state in graph.by_step
            number = leaf.place if of_step else extent.step_of(leaf.place)
            step = sharp.case.steps[number]
            yield step, extent.rows_of(number) - 1 if of_step else leaf.place - step.position, ended
