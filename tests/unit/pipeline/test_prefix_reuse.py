"""Only rows that a text would compute alike are reused, from slots that surely hold them."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.core.identifiers import TransactionId
from app.core.nursery import Nursery
from app.pipeline.prompts.cutting import (
    MESSAGES_A_STAGE,
    chunk_sizes,
    kept_steps,
    reusable,
    sendings,
    step_sizes,
)
from app.pipeline.prompts.slot_contents import SlotContents, Wanted
from app.pipeline.prompts.step_record import StepRecord
from app.pipeline.slots import SlotPool
from app.pipeline.worker_client import WorkerClient
from app.testing.clocks import ManualClock
from workers.protocol.step_message import MAXIMUM_DRAFTS

CHUNK = 4
SLOTS = 3
TOKENS = st.lists(st.sampled_from((1, 2)), min_size=1, max_size=24).map(tuple)


def prompt_steps(
    tokens: Sequence[int], decoded: Sequence[int] = (), begun: Sequence[StepRecord] = ()
) -> tuple[StepRecord, ...]:
    """Return an attempt's steps: those it began with, the prompt in chunks, then single tokens."""
    steps = list(begun)
    start = steps[-1].end if steps else 0
    for size in [*chunk_sizes(len(tokens) - start, CHUNK), *([1] * len(decoded))]:
        position = steps[-1].end if steps else 0
        part = (*tokens, *decoded)[position : position + size]
        wants = position + size >= len(tokens)
        steps.append(StepRecord(len(steps), position, part, wants, int(wants)))
    return tuple(steps)


@given(st.integers(0, 10_000), st.integers(3, 128))
def test_a_text_is_cut_without_leaving_one_token_alone(tokens: int, chunk_tokens: int) -> None:
    sizes = chunk_sizes(tokens, chunk_tokens)
    assert sum(sizes) == tokens
    assert all(2 <= size <= chunk_tokens for size in sizes) or tokens == 1
    assert set(sizes[:-2]) <= {chunk_tokens}


@given(TOKENS, TOKENS, TOKENS)
def test_what_is_reused_are_steps_that_the_text_begins_with_itself(
    earlier: tuple[int, ...], decoded: tuple[int, ...], tokens: tuple[int, ...]
) -> None:
    chosen = reusable(prompt_steps(earlier, decoded), tokens, CHUNK, any_cut=False)
    own, there = prompt_steps(tokens), prompt_steps(earlier)
    alike = 0
    for mine, theirs in zip(own[:-1], there, strict=False):
        if mine.tokens != theirs.tokens or len(tokens) - mine.end < 2:
            break
        alike += 1
    assert [step.tokens for step in chosen] == [step.tokens for step in own[:alike]]


@given(TOKENS, TOKENS, TOKENS)
def test_no_row_that_was_computed_alone_is_reused_and_none_is_computed_so_after_it(
    earlier: tuple[int, ...], decoded: tuple[int, ...], tokens: tuple[int, ...]
) -> None:
    steps = prompt_steps(earlier, decoded)
    chosen = reusable(steps, tokens, CHUNK, any_cut=True)
    assert chosen == steps[: len(chosen)]
    assert tuple(token for step in chosen for token in step.tokens) == tokens[: _rows(chosen)]
    assert len(chosen) <= len(prompt_steps(earlier))
    own = prompt_steps(tokens, begun=chosen)
    assert all(len(step.tokens) >= 2 for step in own) or len(tokens) == 1
    following = steps[len(chosen)] if len(chosen) < len(prompt_steps(earlier)) else None
    if following is not None and len(following.tokens) >= 2 and len(tokens) >= following.end + 2:
        assert following.tokens != tokens[following.position : following.end]


@given(TOKENS, TOKENS, st.integers(0, 23), st.booleans())
def test_a_text_that_goes_on_has_every_row_computed_in_a_step_as_large_as_at_first(
    prompt: tuple[int, ...],
    answer: tuple[int, ...],
    done: int,
    any_cut: bool,  # noqa: FBT001
) -> None:
    first, text = prompt_steps(prompt, answer), (*prompt, *answer)
    kept = kept_steps(first[:done], answers=True)
    chosen = reusable(kept, text, CHUNK, answers=len(answer), any_cut=any_cut)
    assert chosen == first[: min(done, len(first) - 1)]
    sizes = [len(step.tokens) for step in chosen]
    sizes += step_sizes(len(text), len(answer), _rows(chosen), CHUNK)
    assert sizes == [len(step.tokens) for step in first]


@given(TOKENS, TOKENS, TOKENS, TOKENS, st.booleans())
def test_what_another_text_left_gives_no_row_computed_otherwise(
    earlier: tuple[int, ...],
    decoded: tuple[int, ...],
    prompt: tuple[int, ...],
    answer: tuple[int, ...],
    any_cut: bool,  # noqa: FBT001
) -> None:
    steps = kept_steps(prompt_steps(earlier, decoded), answers=True)
    text = (*prompt, *answer)
    chosen = reusable(steps, text, CHUNK, answers=len(answer), any_cut=any_cut)
    sizes = [len(step.tokens) for step in chosen]
    sizes += step_sizes(len(text), len(answer), _rows(chosen), CHUNK)
    assert sum(sizes) == len(text)
    alone = [size == 1 for size in sizes for _ in range(size)]
    own = [len(step.tokens) == 1 for step in prompt_steps(prompt, answer) for _ in step.tokens]
    assert alone == own
    if not any_cut:
        assert sizes == [len(step.tokens) for step in prompt_steps(prompt, answer)]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20))
def test_of_a_text_of_no_tokens_nothing_is_reused_whatever_a_slot_holds(
    earlier: list[int],
) -> None:
    """A question that is answered with a vector takes slots that other texts left."""
    steps = prompt_steps(earlier)
    assert reusable(steps, (), CHUNK, any_cut=False) == ()
    assert reusable(steps, (), CHUNK, any_cut=True) == ()


def _rows(steps: Sequence[StepRecord]) -> int:
    return steps[-1].end if steps else 0


@pytest.mark.parametrize(
    ("length", "aligned", "any_cut"),
    [(5, 0, 0), (6, 4, 4), (8, 4, 4), (9, 4, 4), (10, 8, 8), (11, 8, 8), (12, 8, 10), (13, 8, 10)],
)
def test_a_longer_text_goes_on_where_the_prompt_before_it_ended(
    length: int, aligned: int, any_cut: int
) -> None:
    text = tuple(range(20))
    steps = prompt_steps(text[:10], (10, 11))
    assert _rows(reusable(steps, text[:length], CHUNK, any_cut=False)) == aligned
    assert _rows(reusable(steps, text[:length], CHUNK, any_cut=True)) == any_cut
    assert _rows(kept_steps(steps, answers=False)) == 10


class SlotContentsMachine(RuleBasedStateMachine):
    """Attempts take slots, fill them and leave them; what is told of slots is what they hold."""

    @initialize()
    def begin(self) -> None:
        self.contents = SlotContents()
        self.held: dict[int, tuple[str, tuple[int, ...], str]] = {}
        """By slot: the transaction whose rows lie there, its prompt, its keeper."""
        self.open: dict[int, tuple[TransactionId, Wanted, frozenset[TransactionId]]] = {}
        self.left: list[int] = []
        """Slots that were left, the one longest ago first."""
        self.count = 0

    @precondition(lambda self: len(self.open) < SLOTS)
    @rule(tokens=TOKENS, keeper=st.sampled_from(("", "a")), any_cut=st.booleans())
    def take(self, tokens: tuple[int, ...], keeper: str, any_cut: bool) -> None:  # noqa: FBT001
        wanted = Wanted(tokens, CHUNK, keeper, any_cut)
        prefix = self.contents.longest(wanted)
        if prefix is not None:
            holder, prompt, whose = self.held[prefix.slot]
            assert (holder, whose) == (prefix.transaction, keeper)
            assert prompt[: prefix.rows] == tokens[: prefix.rows]
            assert 0 < prefix.rows <= len(tokens) - 2
        free = set(range(SLOTS)) - self.open.keys()
        slot = self.contents.choose(free, wanted, prefix)
        assert slot in free
        empty = free - self.held.keys()
        if empty and (prefix is None or slot != prefix.slot):
            assert slot in empty
        self.held.pop(slot, None)
        self.count += 1
        transaction = TransactionId(f"{string.ascii_lowercase[self.count % 26]}{self.count}")
        self.open[slot] = transaction, wanted, prefix.lineage if prefix else frozenset()

    @precondition(lambda self: self.open)
    @rule(data=st.data(), leaves=st.booleans(), done=st.integers(0, 8))
    def fill(self, data: st.DataObject, leaves: bool, done: int) -> None:  # noqa: FBT001
        slot = data.draw(st.sampled_from(sorted(self.open)))
        transaction, wanted, ancestors = self.open[slot]
        steps = prompt_steps(wanted.tokens)[:done]
        kept = self.contents.note(slot, transaction, steps, wanted, ancestors)
        assert kept == len(kept_steps(steps, answers=False))
        self.held.pop(slot, None)
        if kept:
            self.held[slot] = transaction, wanted.tokens[: _rows(steps[:kept])], wanted.keeper
        if leaves:
            del self.open[slot]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def is_found_wrong(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from([name for name, _, _ in self.held.values()]))
        self.contents.forget(TransactionId(holder))
        self._forget_heirs()
        assert holder not in {name for name, _, _ in self.held.values()}

    def _forget_heirs(self) -> None:
        left = {slot: content.prefix for slot, content in self.contents._contents.items()}
        self.held = {slot: held for slot, held in self.held.items() if slot in left}

    @rule()
    def workers_are_new(self) -> None:
        self.contents.clear()
        self.held.clear()

    @invariant()
    def nothing_is_told_of_what_is_not_there(self) -> None:
        known = {
            slot: content.prefix.transaction for slot, content in self.contents._contents.items()
        }
        assert known == {slot: holder for slot, (holder, _, _) in self.held.items()}


SlotContentsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestSlotContents = SlotContentsMachine.TestCase


def _left(contents: SlotContents, slot: int, name: str, tokens: tuple[int, ...]) -> None:
    wanted = Wanted(tokens, CHUNK)
    contents.note(slot, TransactionId(name), prompt_steps(tokens), wanted, frozenset())


def test_the_slot_that_was_used_longest_ago_is_taken_first() -> None:
    contents = SlotContents()
    one, two = (1,) * 9, (2,) * 9
    _left(contents, 0, "first", one)
    _left(contents, 1, "second", two)
    other = Wanted((*one[:8], 5, 5), CHUNK)
    contents.choose({2}, other, contents.longest(other))
    assert contents.choose({0, 1}, Wanted((3,) * 9, CHUNK), None) == 1


def test_a_next_turn_takes_its_own_slot_and_another_text_leaves_it_be() -> None:
    contents, said = SlotContents(), (1,) * 9
    _left(contents, 1, "said", said)
    other = Wanted((*said[:4], *(2,) * 9), CHUNK)
    assert contents.choose({0, 1}, other, contents.longest(other)) == 0
    following = Wanted((*said, 4, 4), CHUNK)
    prefix = contents.longest(following)
    assert prefix is not None
    assert prefix.rows == 4
    assert contents.choose({0, 1}, following, prefix) == 1


def test_rows_of_a_transaction_that_was_wrong_are_forgotten_wherever_they_were_copied() -> None:
    contents, text = SlotContents(), (1,) * 9
    _left(contents, 0, "wrong", text)
    heir = contents.longest(Wanted((*text, 2), CHUNK))
    assert heir is not None
    wanted = Wanted((*text, 2), CHUNK)
    contents.note(1, TransactionId("heir"), prompt_steps(wanted.tokens), wanted, heir.lineage)
    contents.forget(TransactionId("wrong"))
    assert contents.longest(wanted) is None


async def test_texts_one_after_the_other_fill_all_slots_before_any_loses_its_rows() -> None:
    nobody = cast(WorkerClient, None)
    pool = SlotPool(4, 4, nobody, Nursery(ManualClock()))
    texts = [(number,) * 9 for number in range(4)]
    for text in texts:
        seat = await pool.take(Wanted(text, CHUNK))
        assert seat.prefix is None
        pool.keep(seat, TransactionId(f"t{text[0]}"), prompt_steps(text), frozenset())
        pool.give_back(seat)
    for text in texts:
        seat = await pool.take(Wanted((*text, 5, 5), CHUNK))
        assert seat.prefix is not None
        assert (seat.slot, seat.prefix.transaction) == (seat.prefix.slot, f"t{text[0]}")


@given(
    st.integers(0, 80),
    st.integers(0, 400),
    st.integers(1, 12),
)
def test_single_rows_travel_together_in_order_and_the_last_step_alone(
    prompt: int, answers: int, stages: int
) -> None:
    sizes = step_sizes(prompt + answers, answers, 0, CHUNK)
    messages = sendings(sizes, stages)
    assert [size for message in messages for size in message] == sizes
    assert all(set(message) == {1} or len(message) == 1 for message in messages)
    assert max(map(len, messages), default=1) <= 1 + MAXIMUM_DRAFTS
    assert all(len(message) == 1 for message in messages[-1:])
    if answers > 1:
        singles = [message for message in messages[:-1] if message[0] == 1]
        fewest = min(answers - 1, MESSAGES_A_STAGE * stages)
        assert len(singles) >= fewest
