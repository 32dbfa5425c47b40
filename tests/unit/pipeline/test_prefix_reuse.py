"""Only rows that a text would compute alike are reused, from slots that surely hold them."""

from __future__ import annotations

import string
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.core.identifiers import TransactionId
from app.pipeline.prompts.reuse import reusable, whole_chunks
from app.pipeline.prompts.slot_contents import SlotContents, Wanted
from app.pipeline.prompts.step_record import StepRecord

CHUNK = 4
SLOTS = 3
TOKENS = st.lists(st.sampled_from((1, 2)), min_size=1, max_size=24).map(tuple)


def prompt_steps(tokens: Sequence[int], decoded: Sequence[int] = ()) -> tuple[StepRecord, ...]:
    """Return the steps of an undisturbed attempt: a prompt in chunks, then one token each."""
    cuts = [tuple(tokens[start : start + CHUNK]) for start in range(0, len(tokens), CHUNK)]
    steps: list[StepRecord] = []
    for part in (*cuts, *((token,) for token in decoded)):
        position = steps[-1].end if steps else 0
        wants = position + len(part) >= len(tokens)
        steps.append(StepRecord(len(steps), position, part, wants, int(wants)))
    return tuple(steps)


@given(TOKENS, TOKENS, TOKENS)
def test_what_is_reused_are_steps_that_the_text_begins_with_itself(
    earlier: tuple[int, ...], decoded: tuple[int, ...], tokens: tuple[int, ...]
) -> None:
    chosen = reusable(prompt_steps(earlier, decoded), tokens, CHUNK)
    own = prompt_steps(tokens)
    assert [step.tokens for step in chosen] == [step.tokens for step in own[: len(chosen)]]
    alike, most = 0, min(len(earlier), len(tokens) - 1) // CHUNK
    while alike < most and earlier[: (alike + 1) * CHUNK] == tokens[: (alike + 1) * CHUNK]:
        alike += 1
    assert len(chosen) == alike


def test_a_prompt_asked_again_is_read_from_its_last_chunk_on() -> None:
    prompt = tuple(range(10))
    steps = prompt_steps(prompt, (7, 8))
    assert [len(reusable(steps, prompt[:length], CHUNK)) for length in (4, 5, 8, 9, 10)] == [
        0,
        1,
        1,
        2,
        2,
    ]
    assert [step.end for step in whole_chunks(steps, CHUNK)] == [4, 8]


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
    @rule(tokens=TOKENS, keeper=st.sampled_from(("", "a")))
    def take(self, tokens: tuple[int, ...], keeper: str) -> None:
        wanted = Wanted(tokens, CHUNK, keeper)
        prefix = self.contents.longest(wanted)
        if prefix is not None:
            holder, prompt, whose = self.held[prefix.slot]
            assert (holder, whose) == (prefix.transaction, keeper)
            assert prompt[: prefix.rows] == tokens[: prefix.rows]
            assert prefix.rows % CHUNK == 0
            assert 0 < prefix.rows < len(tokens)
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
        assert kept == len(whole_chunks(steps, CHUNK))
        self.held.pop(slot, None)
        if kept:
            self.held[slot] = transaction, wanted.tokens[: kept * CHUNK], wanted.keeper
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
    assert prefix.rows == 8
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
