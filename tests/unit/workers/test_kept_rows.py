"""Whoever resumes begins with the very rows it names, and signs for them; else with none."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulation.model import CONTEXT_TOKENS, HIDDEN_SIZE, VOCABULARY_SIZE, ArithmeticEngine
from tests.saying import raises_telling
from tests.signing import OPENING, TERMS
from workers.engine.spans import LoadedSpan, SpanTable
from workers.errors import RequestRefusedError
from workers.identity.transcript import NO_TOKEN, Transcript
from workers.protocol.boundary import Boundary
from workers.protocol.chain import ChainName, Span
from workers.protocol.commands import Open, Resumption
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor
from workers.ring.kept_rows import KeptRows, KeptSlots
from workers.ring.transactions import Transaction, TransactionTable

SLOTS = 3
SPAN = "span"
SHAPE = SpanShape(
    Span(ChainName.DECODER, 0, 3),
    has_embedding=True,
    has_head=True,
    hidden_size=HIDDEN_SIZE,
    vocabulary_size=VOCABULARY_SIZE,
    kv_heads=1,
    head_size=HIDDEN_SIZE,
    context_tokens=CONTEXT_TOKENS,
    slots=SLOTS,
)


class OneSpan(SpanTable):
    """A table that holds one span of the arithmetic model, which has no files."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.engine = ArithmeticEngine(Path(), SHAPE, 1)
        self._spans = {SPAN: LoadedSpan(SPAN, "graph", (), 1, self.engine)}


class Worker:
    """The transactions of one worker, driven as its steps drive them."""

    def __init__(self) -> None:
        self.spans = OneSpan()
        self.table = TransactionTable(self.spans)

    def open(self, name: str, slot: int, resume: Resumption | None = None) -> Transaction:
        greedy, whole = SamplingRule(), Boundary.F32
        command = Open(name, SPAN, 0, slot, greedy, 0, whole, None, None, (), None, resume, TERMS)
        return self.table.open(command, OPENING)

    def step(self, transaction: Transaction, tokens: list[int], at: int | None = None) -> None:
        """Compute a step, at the end of the rows there are or wherever somebody lets it."""
        at = self.rows(transaction) if at is None else at
        inputs = np.array([tokens], np.int64)
        transaction.begin_step()
        self.spans.engine.run(transaction.slot, at, inputs)
        transaction.record_step(at, inputs, np.array([NO_TOKEN], np.int64), None, None)

    def rows(self, transaction: Transaction) -> int:
        steps = transaction.transcript.next_step
        return transaction.transcript.excerpt(steps - 1, 1, 1 << 20)[0].end if steps else 0

    def holds(self, slot: int, rows: int) -> Tensor:
        return np.array(self.spans.engine._kept[slot][:rows])


def computed_anew(*steps: list[int]) -> Tensor:
    """Return the rows that a worker computes of a text which it reads in those portions."""
    worker = Worker()
    transaction = worker.open("anew", 0)
    for tokens in steps:
        worker.step(transaction, tokens)
    return worker.holds(0, sum(map(len, steps)))


def steps_of(transcript: Transcript) -> list[list[int]]:
    steps = transcript.excerpt(0, 10_000, 1 << 30) if transcript.next_step else []
    return [[int(token) for token in step.inputs[0]] for step in steps]


@pytest.mark.parametrize("slot", [0, 1])
def test_rows_are_gone_on_with_where_they_lie_or_copied_to_another_slot(slot: int) -> None:
    worker = Worker()
    first = worker.open("first", 0)
    worker.step(first, [1, 2, 3])
    worker.step(first, [4, 5])
    worker.table.close("first", 2)
    again = worker.open("again", slot, Resumption("first", 0, 1, 3))
    assert (again.resumed_from, again.resumed_rows) == ("first", 3)
    worker.step(again, [6])
    assert (worker.holds(slot, 4) == computed_anew([1, 2, 3], [6])).all()
    assert steps_of(again.transcript) == [[1, 2, 3], [6]]


@pytest.mark.parametrize(
    "resume",
    [
        Resumption("other", 0, 1, 3),
        Resumption("first", 1, 1, 3),
        Resumption("first", 0, 1, 2),
        Resumption("first", 0, 2, 3),
        Resumption("first", 0, 3, 9),
    ],
)
def test_rows_that_are_not_there_as_named_are_none(resume: Resumption) -> None:
    worker = Worker()
    first = worker.open("first", 0)
    worker.step(first, [1, 2, 3])
    worker.step(first, [4, 5])
    worker.table.close("first", 2)
    again = worker.open("again", 2, resume)
    assert (again.resumed_from, again.transcript.next_step) == ("", 0)
    with raises_telling(RequestRefusedError, match="in use"):
        worker.open("third", 2)


def test_a_slot_in_use_lends_its_first_rows() -> None:
    worker = Worker()
    first = worker.open("first", 0)
    worker.step(first, [1, 2, 3])
    worker.step(first, [4])
    other = worker.open("other", 1, Resumption("first", 0, 1, 3))
    worker.step(first, [5])
    worker.step(other, [6])
    assert (worker.holds(0, 5) == computed_anew([1, 2, 3], [4], [5])).all()
    assert (worker.holds(1, 4) == computed_anew([1, 2, 3], [6])).all()


def test_rows_that_a_later_step_may_have_overwritten_are_not_lent() -> None:
    worker = Worker()
    went_back, failed = worker.open("went-back", 0), worker.open("failed", 1)
    for transaction in (went_back, failed):
        worker.step(transaction, [1, 2, 3])
    worker.step(went_back, [7, 8, 9], at=0)
    failed.begin_step()
    for name in ("went-back", "failed"):
        slot = worker.table.find(name).slot
        worker.table.close(name, 1)
        assert not worker.open("again", 2, Resumption(name, slot, 1, 3)).resumed_from
        worker.table.close("again")


def test_a_full_slot_does_not_lend_its_last_row() -> None:
    worker = Worker()
    first = worker.open("first", 0)
    worker.step(first, [1] * CONTEXT_TOKENS)
    worker.table.close("first", 1)
    assert not worker.open("again", 1, Resumption("first", 0, 1, CONTEXT_TOKENS)).resumed_from


@given(st.integers(0, 1 << 32))
def test_whatever_comes_slots_hold_what_transcripts_say(seed: int) -> None:
    """Play transactions by chance: right and wrong resumptions, failures, steps that go back."""
    random, worker, names, past = Random(seed), Worker(), 0, ["nobody"]  # noqa: S311
    for _ in range(40):
        running = [worker.table.find(name) for name in worker.table.identifiers]
        free = set(range(SLOTS)) - {each.slot for each in running}
        if free and random.random() < 0.4:
            names += 1
            resume = random.choice((None, _drawn(random, past), _drawn(random, past)))
            worker.open(str(names), random.choice(sorted(free)), resume)
            past.append(str(names))
        elif running:
            _something_happens(random, worker, random.choice(running))
        for name in worker.table.identifiers:
            _check(worker, worker.table.find(name))


def _drawn(random: Random, past: list[str]) -> Resumption:
    slot, steps, rows = random.randrange(SLOTS), random.randint(1, 3), random.randint(1, 9)
    return Resumption(random.choice(past), slot, steps, rows)


def _something_happens(random: Random, worker: Worker, transaction: Transaction) -> None:
    if random.random() < 0.3:
        worker.table.close(transaction.identifier, random.randint(0, 4))
        return
    rows = worker.rows(transaction)
    position = random.choice((rows, rows, rows, random.randint(0, rows)))
    tokens = [random.randrange(VOCABULARY_SIZE) for _ in range(random.randint(1, 3))]
    if position + len(tokens) > CONTEXT_TOKENS:
        return
    if random.random() < 0.1:
        transaction.begin_step()
        worker.spans.engine.run(transaction.slot, position, np.array([tokens], np.int64))
        worker.table.close(transaction.identifier, random.randint(0, 4))
        return
    worker.step(transaction, tokens, position)


def _check(worker: Worker, transaction: Transaction) -> None:
    if transaction.transcript.gapless:
        steps = steps_of(transaction.transcript)
        held = worker.holds(transaction.slot, sum(map(len, steps)))
        assert (held == computed_anew(*steps)).all() if steps else True


def _transcript(size_bytes: int) -> Transcript:
    transcript = Transcript()
    transcript.record(0, np.zeros((1, size_bytes // 8), np.int64), np.zeros(1, np.int64))
    return transcript


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 12)), max_size=30))
def test_no_more_is_kept_than_there_is_memory_for_and_the_oldest_goes_first(
    kept: list[tuple[int, int]],
) -> None:
    slots, expected = KeptSlots(most_bytes=160), list[tuple[int, int]]()
    for slot, words in kept:
        slots.keep((SPAN, slot), KeptRows(f"t{slot}", _transcript(8 * words)))
        expected = [*(each for each in expected if each[0] != slot), (slot, words)]
        while sum(words for _, words in expected) > 20:
            expected.pop(0)
        assert slots.size_bytes <= 160
        assert [place[1] for place in slots._kept] == [slot for slot, _ in expected]


def test_what_a_span_held_is_forgotten_with_it() -> None:
    slots = KeptSlots()
    for span in ("one", "two"):
        slots.keep((span, 0), KeptRows(span, _transcript(8)))
    slots.forget_span("one")
    assert slots.find(("one", 0), "one") is None
    assert slots.find(("two", 0), "two") is not None
    assert slots.find(("two", 0), "one") is None
    slots.clear()
    assert slots.size_bytes == 0
