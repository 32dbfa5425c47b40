"""A request as the service thread keeps it, from prompt to settled text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from typing import Final

from app.core.assignment import Assignment
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial
from app.core.model import ModelManifest
from app.core.tasks import TaskKind
from app.models.formats.tokenizer import TextTokenizer
from app.pipeline.opening_stages.lookup import NO_LOOKUP, LookupCounts, LookupMode
from app.pipeline.prompts.slot_contents import Wanted
from app.pipeline.results import StageTiming, TokenResult, VectorResult
from app.proof.records.picture_text import PictureText
from app.proof.records.request_text import RequestText
from app.rack.events.request_events import (
    AnswerGiven,
    Ended,
    RequestEvent,
    RolledBack,
    StageTimes,
    StateChanged,
    TokenAdded,
)
from app.rack.events.request_log import RequestLog, events_kept
from app.rack.requests.guide import UNGUIDED, Guide
from app.rack.requests.scores import label_scores
from app.rack.requests.shown_text import ShownText
from app.rack.settlement.certainty import certainty
from app.rack.settlement.concluded import Coverage
from app.rack.snapshot import (
    Alternative,
    LabelScore,
    RequestSnapshot,
    RequestState,
    TokenChoices,
)
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor

UNFORESEEN: Final = "request.unforeseen"
"""The code of a failure that is a mistake of ours."""
STOPPED_REASON: Final = Fact("request.stopped")


@dataclass
class Request:
    """Mutable; touched on the service thread only. Times are monotonic seconds."""

    identifier: RequestId
    prompt: str
    prompt_tokens: tuple[int, ...]
    tokens_wanted: int
    end_tokens: frozenset[int]
    sampling: SamplingRule
    tokenizer: TextTokenizer | None
    submitted_s: float
    stop: tuple[str, ...] = ()
    alternatives: int = 0
    """How many of the likeliest tokens are told with each one chosen."""
    guide: Guide = UNGUIDED
    traced: bool = False
    """Whether its events tell where each step's time went."""
    cut_stable_on: str = ""
    """For phones of this class rows are the same however the text is cut."""
    keeper: str = ""
    """Whose text it is: rows are shared with other requests of the same only."""
    kind: TaskKind = TaskKind.GENERATE
    salt: bytes = b""
    """Kept from those who see only the digest of what was asked."""
    text: str = ""
    """What became the prompt's tokens; empty where tokens were given."""
    text_is_rendered: bool = False
    note: Fact | None = None
    vector_model: ModelManifest | None = None
    """The model whose vector is wanted; None where the answer is a text."""
    source_tokens: int = 0
    """How many of the first tokens an encoder reads before a decoder; 0 of one chain."""
    pictures: tuple[PictureText, ...] = ()
    """What is said of pictures in the text, for phones to sign."""
    pixels: Mapping[int, Tensor] = field(default_factory=dict)
    """What is sent of these, by the positions where it stands."""
    vector: Tensor | None = None
    """`[numbers]`, once it is there."""
    state: RequestState = RequestState.WAITING
    state_reason: Fact | None = None
    tokens: list[int] = field(default_factory=list)
    choices: list[TokenChoices] = field(default_factory=list)
    """How likely each token was."""
    stopped: bool = False
    """Whether the text has come to one of its stop texts."""
    settled_tokens: int = 0
    """How many tokens stand: their checks have ended."""
    verified_tokens: int = 0
    """Of those, how many were computed again at every stage; a vector counts as one."""
    checked_tokens: int = 0
    """Of these, how many this computer checked one by one."""
    text_s: float = 0.0
    """What all attempts took."""
    check_s: float = 0.0
    """What checking every token of them took this computer."""
    stages: int = 0
    """Of all attempts of which answers stand."""
    audited_stages: int = 0
    first_token_s: float | None = None
    newest_token_s: float | None = None
    decoded_tokens: int = 0
    """Tokens that took decoding time, those rolled back included."""
    lookup: LookupCounts = NO_LOOKUP
    """What drafts of its tokens came to."""
    reused_tokens: int = 0
    """Of all attempts, how many tokens were not read again."""
    failovers: int = 0
    slashes: int = 0
    receipts: int = 0
    audits: int = 0
    assignment: Assignment | None = None
    task: asyncio.Task[None] | None = None
    log: RequestLog = field(init=False)
    """What happened to it, for whoever follows."""
    record: InitVar[Callable[[RequestEvent], object] | None] = None
    """Hears of each of its events too."""
    _shown: ShownText = field(init=False)
    _ring: tuple[Serial, ...] = ()
    _last: RequestSnapshot | None = None

    def __post_init__(self, record: Callable[[RequestEvent], object] | None) -> None:
        """Begin its log."""
        steps = self.tokens_wanted + len(self.prompt_tokens) if self.traced else 0
        self.log = RequestLog(self.identifier, events_kept(self.tokens_wanted, steps), record)
        self._shown = ShownText(self.tokenizer, self.stop)

    @property
    def asked(self) -> RequestText:
        """What its phones sign for."""
        return RequestText(
            self.identifier,
            self.salt,
            self.prompt_tokens,
            self.text,
            self.text_is_rendered,
            self.pictures,
        )

    @property
    def complete(self) -> bool:
        """Whether all that is wanted is there, or the text has ended by itself."""
        if self.vector_model is not None:
            return self.vector is not None
        if len(self.tokens) >= self.tokens_wanted:
            return True
        return self.ended_by_itself

    @property
    def ended_by_itself(self) -> bool:
        """Whether the text has come to a stop text or to a token that ends it."""
        return self.stopped or (bool(self.tokens) and self.tokens[-1] in self.end_tokens)

    def wanted(self, chunk_tokens: int, classes: Collection[str]) -> Wanted:
        """Return the text whose beginning may lie in some slot of phones of these classes."""
        if self.vector_model is not None or self.source_tokens or self.pictures:
            return Wanted()
        any_cut = bool(self.cut_stable_on) and set(classes) == {self.cut_stable_on}
        text = (*self.prompt_tokens, *self.tokens)
        return Wanted(text, chunk_tokens, self.keeper, any_cut, answers=len(self.tokens))

    def history(self, mode: LookupMode) -> tuple[int, ...] | None:
        """Return what its next tokens may be looked up in; None where they are not to be."""
        self.lookup = replace(self.lookup, mode=mode)
        if mode is LookupMode.OFF or self.vector_model is not None or self.source_tokens:
            return None
        return (*self.prompt_tokens, *self.tokens)

    @property
    def answers(self) -> int:
        """How many tokens there are; a vector counts as one."""
        return len(self.tokens) + (self.vector is not None)

    @property
    def answers_left(self) -> int:
        """How many answers it may still get: what another attempt may cost."""
        wanted = 1 if self.vector_model is not None else self.tokens_wanted
        return max(wanted - self.answers, 1)

    def take_vector(self, result: VectorResult, now_s: float) -> None:
        """Keep the vector that answers."""
        self.vector = result.vector[0]
        self.newest_token_s = now_s
        if self.first_token_s is None:
            self.first_token_s = now_s
        answer = AnswerGiven(self._labels(), self._embedding(), self._times(result.timings))
        self.log.add(now_s, answer)

    def add_token(self, result: TokenResult, now_s: float) -> None:
        """Append a generated token."""
        self.tokens.append(result.token)
        self.choices.append(self._choices(result))
        self.stopped = self._has_stop()
        self.decoded_tokens += 1
        if not result.by_draft:
            self.lookup = self.lookup.with_round(result.drafts, result.accepted)
        self.newest_token_s = now_s
        if self.first_token_s is None:
            self.first_token_s = now_s
        self.log.add(now_s, self._token_added(result))

    def cancel(self) -> None:
        """Ask the request to stop; it still settles what it has. Asking again changes nothing."""
        if self.task is not None and not self.task.cancelling():
            self.task.cancel()

    def settle(self, coverage: Coverage, standing_answers: int) -> None:
        """Note how well an attempt was checked of which so many answers stand."""
        if standing_answers > 0:
            self.stages += coverage.stages
            self.audited_stages += coverage.audited_stages
            self.verified_tokens += min(coverage.verified_answers, standing_answers)
            self.checked_tokens += min(coverage.checked_answers, standing_answers)

    def enter(self, state: RequestState, reason: Fact | None, now_s: float) -> None:
        """Go on to a state, unless the request has ended."""
        if self.state.ended:
            return
        self.state, self.state_reason = state, reason
        what = Ended(self.snapshot()) if state.ended else StateChanged(state, reason)
        self.log.add(now_s, what)

    def roll_back(self, good_answers: int, now_s: float) -> None:
        """Forget every token after the good ones, and a vector that is not good."""
        taken_back = self.answers - good_answers
        if taken_back <= 0:
            return
        del self.tokens[good_answers:], self.choices[good_answers:]
        if good_answers == 0:
            self.vector = None
        self.stopped = self._has_stop()
        self._shown.go_back_to(self.tokens)
        self.log.add(now_s, RolledBack(taken_back, good_answers))

    @property
    def tokens_per_second(self) -> float | None:
        """Rate from the first token to the newest."""
        if self.first_token_s is None or self.newest_token_s is None or self.decoded_tokens < 2:
            return None
        return (self.decoded_tokens - 1) / max(self.newest_token_s - self.first_token_s, 1e-9)

    @property
    def time_to_first_token_ms(self) -> float | None:
        """From submission to the first token, or to the vector."""
        if self.first_token_s is None:
            return None
        return (self.first_token_s - self.submitted_s) * 1000

    @property
    def verified(self) -> bool:
        """Whether all there is was computed again at every stage."""
        return 0 < self.answers == self.verified_tokens

    @property
    def paid_for(self) -> Fact:
        """What its phones are paid for, and how certain that is."""
        how = certainty([self.snapshot()])
        if self.vector_model:
            return Fact("request.answer_paid", certainty=how)
        return Fact("request.tokens_paid", count=len(self.tokens), certainty=how)

    def snapshot(self) -> RequestSnapshot:
        """Return what front ends see; the same object again once nothing changes any more."""
        if self._last is None or not self._last.state.ended:
            self._last = self._picture()
        return self._last

    def _picture(self) -> RequestSnapshot:
        settled = self._text(self.tokens[: self.settled_tokens])
        return RequestSnapshot(
            identifier=self.identifier,
            prompt=self.prompt,
            state=self.state,
            state_reason=self.state_reason,
            settled_text=settled,
            open_text=self._text(self.tokens)[len(settled) :],
            token_ids=tuple(self.tokens),
            choices=tuple(self.choices),
            tokens_wanted=self.tokens_wanted,
            time_to_first_token_ms=self.time_to_first_token_ms,
            tokens_per_second=self.tokens_per_second,
            reused_tokens=self.reused_tokens,
            lookup=self.lookup,
            failovers=self.failovers,
            slashes=self.slashes,
            receipts=self.receipts,
            audits=self.audits,
            verified_tokens=self.verified_tokens,
            checked_tokens=self.checked_tokens,
            text_s=self.text_s,
            check_s=self.check_s,
            stages=self.stages,
            audited_stages=self.audited_stages,
            verified=self.verified,
            assignment=self.assignment,
            kind=self.kind,
            note=self.note,
            labels=self._labels(),
            embedding=self._embedding(),
            prompt_tokens=len(self.prompt_tokens),
            ended_by_itself=self.ended_by_itself,
        )

    def _labels(self) -> tuple[LabelScore, ...]:
        model = self.vector_model
        if model is None or self.vector is None or self.kind is not TaskKind.CLASSIFY:
            return ()
        return label_scores(self.vector, model.labels, model.scoring)

    def _embedding(self) -> tuple[float, ...]:
        if self.vector is None or self.kind is not TaskKind.EMBED:
            return ()
        return tuple(self.vector.tolist())

    def _text(self, tokens: list[int]) -> str:
        if self.tokenizer is None:
            return " ".join(map(str, tokens))
        return cut_at_stop(self.tokenizer.decode(tokens), self.stop)

    def _has_stop(self) -> bool:
        if not self.stop or self.tokenizer is None:
            return False
        text = self.tokenizer.decode(self.tokens)
        return any(stop in text for stop in self.stop)

    def _token_added(self, result: TokenResult) -> TokenAdded:
        choices = self.choices[-1]
        return TokenAdded(
            len(self.tokens),
            result.token,
            self._shown.add(result.token, last=self.complete),
            choices.log_probability,
            choices.alternatives,
            self._times(result.timings, result.drafts, result.accepted),
            self._text([result.token]),
        )

    def _times(
        self, timings: Sequence[StageTiming], drafts: int = 0, accepted: int = 0
    ) -> StageTimes:
        ring = tuple(timing.serial for timing in timings)
        if ring != self._ring:
            self._ring = ring  # one tuple for all tokens: a rack has up to 64 stages
        computed_ms = tuple(timing.compute_ms for timing in timings)
        return StageTimes(self._ring, computed_ms, drafts, accepted)

    def _choices(self, result: TokenResult) -> TokenChoices:
        alternatives = tuple(
            Alternative(choice.token, self._text([choice.token]), choice.log_probability)
            for choice in result.alternatives
        )
        return TokenChoices(result.log_probability, alternatives)


def cut_at_stop(text: str, stops: Sequence[str]) -> str:
    """Return the text before the first of the stop texts, all of it where none is there."""
    found = [position for stop in stops if (position := text.find(stop)) >= 0]
    return text[: min(found)] if found else text
