"""A prompt that begins as an earlier one is not read again, and not one token changes for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.device import DeviceState
from app.core.identifiers import RequestId
from app.core.model import DEMO_MODEL
from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.models.library import Library
from app.models.whole import run_whole
from app.pipeline.opening_stages.attempt_terms import PREFILL_CHUNK_TOKENS
from app.pipeline.prompts.cutting import chunk_sizes
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Ask, ClearFault, Inject, UseModel
from app.rack.options import RackOptions
from app.rack.phones import preparation
from app.rack.service import RackService
from app.rack.snapshot import RequestSnapshot, RequestState
from tests.integration.cheating_worker import MIDDLE, forgets_rows_it_resumes_from
from tests.integration.rack.cheating import cheating_bundle
from tests.integration.rack.support import (
    ASSETS,
    PATIENCE,
    finish,
    open_rack_of,
    paused_before,
    wait_until,
)

TOKENS = 12
HELD = 3
"""A token before which a request is held; its prompt has been read by then."""
FORMS = ("f32", "q8", "q4-plain")
STORY = " ".join(
    f"On day {day} the {who} went to the {where} and saw {what}."
    for day, (who, where, what) in enumerate(
        [
            ("shepherd", "river", "a bird"),
            ("king", "city", "many people"),
            ("woman", "mountain", "the morning star"),
            ("children", "garden", "an old tree"),
            ("servant", "house of the king", "bread and wine"),
            ("prophet", "desert", "nothing but sand"),
            ("fisherman", "sea", "a great wind"),
            ("queen", "field", "seven sheep"),
        ]
    )
)
"""Several chunks of tokens, in any vocabulary."""


class Bench:
    """A rack that holds one model, and what the whole model says in one session."""

    def __init__(self, rack: RackService, home: Path, model: str) -> None:
        self.rack = rack
        self._library = Library(home)
        self._manifest = self._library.get(model)
        tokenizer = self._library.tokenizer(self._manifest)
        assert tokenizer is not None
        self.tokenizer = tokenizer

    def start(self, prompt: str, keeper: str = "") -> RequestId:
        return self.rack.do(Ask(Complete(prompt), TOKENS, keeper=keeper)).result(60)

    def ask(self, prompt: str, keeper: str = "") -> RequestSnapshot:
        return finish(self.rack, self.start(prompt, keeper))

    def right(self, prompt: str) -> tuple[int, ...]:
        tokens = self.tokenizer.encode(prompt)
        return tuple(run_whole(self._manifest, self._library, tokens, TOKENS))

    def reusable(self, earlier: str, prompt: str) -> int:
        """Return how many tokens of a prompt the one before it has read in steps before its last.

        Both computed on this machine, whose rows are the same however a text is cut.
        """
        before, now = self.tokenizer.encode(earlier), self.tokenizer.encode(prompt)
        reused = 0
        for size in chunk_sizes(len(before), PREFILL_CHUNK_TOKENS):
            if before[: reused + size] != now[: reused + size] or len(now) - reused - size < 2:
                break
            reused += size
        return reused


def _options(home: Path, model: str) -> RackOptions:
    """Layers stay where they are: a move would have rows read again that are counted here."""
    return RackOptions(
        home=home,
        rack="virtual:3",
        model=model,
        audit_rate=1.0,
        patience=PATIENCE,
        balancing=Balancing.OFF,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def rack(home: Path) -> Iterator[RackService]:
    for form in FORMS:
        Library(home).import_folder(ASSETS / "demo_model", form, form)
    with open_rack_of(_options(home, FORMS[0])) as opened:
        yield opened


@pytest.fixture(scope="module", params=FORMS)
def bench(request: pytest.FixtureRequest, home: Path, rack: RackService) -> Bench:
    rack.do(UseModel(request.param)).result(60)
    return Bench(rack, home, request.param)


def test_turns_of_a_conversation_go_on_from_the_rows_of_the_one_before(bench: Bench) -> None:
    prompt, reused = STORY, 0
    for turn in range(3):
        answer, before = bench.ask(prompt), prompt
        assert answer.state is RequestState.SETTLED, answer.state_reason
        assert answer.token_ids == bench.right(prompt)
        assert answer.verified
        assert answer.reused_tokens == reused
        prompt += f"{answer.text} And what came to pass on day {turn + 20}?"
        reused = bench.reusable(before, prompt)
        assert reused > PREFILL_CHUNK_TOKENS


def test_the_same_prompt_is_read_once_for_one_keeper_and_again_for_another(bench: Bench) -> None:
    prompt = "Once more. " + STORY
    first, again, other = bench.ask(prompt, "a"), bench.ask(prompt, "a"), bench.ask(prompt, "b")
    assert [each.token_ids for each in (first, again, other)] == [bench.right(prompt)] * 3
    reused = bench.reusable(prompt, prompt)
    assert [each.reused_tokens for each in (first, again, other)] == [0, reused, 0]


def test_texts_side_by_side_share_what_they_begin_with(bench: Bench) -> None:
    shared = "Listen to this. " + STORY
    endings = ("", " Then it was evening.", " Then it was morning.")
    with paused_before(HELD) as pause:
        first = bench.start(shared)
        pause.wait()
        others = [bench.start(shared + ending) for ending in endings]
        pause.end()
    answers = [finish(bench.rack, each) for each in (first, *others)]
    for answer, ending in zip(answers, ("", *endings), strict=True):
        assert answer.token_ids == bench.right(shared + ending)
        assert answer.verified
        least = 0 if answer is answers[0] else bench.reusable(shared, shared + ending)
        assert answer.reused_tokens >= least


def test_a_phone_that_dies_takes_its_rows_along_and_no_token_changes(bench: Bench) -> None:
    assert bench.ask(STORY).token_ids == bench.right(STORY)
    victim = bench.rack.snapshot().phones[1].serial
    bench.rack.do(Inject(Fault(FaultKind.CRASH, victim, 4))).result(60)
    answer = bench.ask(STORY)
    assert answer.state is RequestState.SETTLED, answer.state_reason
    assert answer.token_ids == bench.right(STORY)
    assert answer.failovers > 0
    bench.rack.do(ClearFault(victim)).result(60)
    wait_until(bench.rack, lambda snapshot: snapshot.phones[1].usable)
    assert bench.ask(STORY).token_ids == bench.right(STORY)


def test_who_claims_rows_it_does_not_hold_is_slashed_and_the_text_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, home = tmp_path / "cheat", tmp_path / "home"
    bundle = cheating_bundle(forgets_rows_it_resumes_from, MIDDLE, claim)
    monkeypatch.setattr(preparation, "build_runtime_bundle", lambda: bundle)
    with open_rack_of(_options(home, DEMO_MODEL)) as rack:
        bench = Bench(rack, home, DEMO_MODEL)
        assert bench.ask(STORY).slashes == 0
        answer = bench.ask(STORY)
        assert answer.state is RequestState.SETTLED, answer.state_reason
        assert answer.token_ids == bench.right(STORY)
        assert answer.slashes == 1
        states = {str(phone.serial): phone.state for phone in rack.snapshot().phones}
        assert states[claim.read_text()] is DeviceState.JAILED
