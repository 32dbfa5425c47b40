"""Where requests come in: checked, numbered, started, cancelled and after a while forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from app.core.errors import BadInputError
from app.core.identifiers import RequestId
from app.models.formats.grammar import Grammar
from app.models.formats.tokenizer import TextTokenizer
from app.proof.records.request_text import SALT_BYTES
from app.rack.blocking import BlockingPool
from app.rack.commands import Ask, Sampling
from app.rack.events.request_events import RequestEvent
from app.rack.layers.opened_model import OpenedModel
from app.rack.layers.rebalancer import Work
from app.rack.layers.spans import Applied
from app.rack.options import MAXIMUM_REQUESTS
from app.rack.requests.guide import Guide
from app.rack.requests.questions import Question, task_question
from app.rack.requests.request import STOPPED_REASON, Request
from app.rack.requests.request_runner import RequestRunner
from app.rack.requests.workplace import Workplace
from app.rack.snapshot import RequestState
from workers.protocol import sampling_rule
from workers.protocol.bounds import MAXIMUM_VOCABULARY

REQUESTS_KEPT = MAXIMUM_REQUESTS
"""How many ended requests are still shown: all that may have run beside each other."""
_IDENTIFIER_BYTES = 6
LARGEST_PENALTY = 2.0
ANSWER_PART = 4
"""Where an answer may have any length, conversations are shortened to leave it this part."""

ENDED_EVENTS_KEPT = 50_000
"""Of all ended requests together; what still runs keeps its own."""

_UNWRITTEN: Final = frozenset(
    {RequestState.WAITING, RequestState.PREFILL, RequestState.DECODING}
    | {RequestState.RECOVERING, RequestState.PAUSED}
)
"""More of the text is to come."""


class RequestQueue:
    """All requests of a rack, oldest first. Lives on the service loop."""

    def __init__(
        self,
        workplace: Workplace,
        pool: BlockingPool,
        context_tokens: int,
        presets: Sequence[Path],
        record: Callable[[RequestEvent], object] | None = None,
    ) -> None:
        """`record` hears of the events of all requests."""
        self.requests: dict[RequestId, Request] = {}
        self._workplace = workplace
        self._pool = pool
        self._context_tokens = context_tokens
        self._presets = presets
        self._record = record
        self._runners: dict[RequestId, RequestRunner] = {}
        """Of those that have not ended."""

    @property
    def busy(self) -> bool:
        """Whether a request has not ended yet."""
        return any(not request.state.ended for request in self.requests.values())

    @property
    def work(self) -> Work:
        """How many texts are being written, and how long the longest is."""
        written = [each for each in self.requests.values() if each.state is RequestState.DECODING]
        lengths = (
            (len(each.prompt_tokens) + len(each.tokens), len(each.tokens)) for each in written
        )
        under_way = sum(each.state in _UNWRITTEN for each in self.requests.values())
        return Work(len(written), *max(lengths, default=(0, 0)), under_way)

    async def ask(self, model: OpenedModel, asked: Ask) -> RequestId:
        """Start a task. Without `tokens` its text may fill the context.

        Raises `BadInputError` for what the model cannot take, and where too many are under way.
        """
        limit, tokens = self._limit(model), asked.tokens
        most = limit - limit // ANSWER_PART if tokens is None else limit - tokens
        question, guide = await self._pool.run(_prepared, model, asked, self._presets, most)
        return self._begin(model, question, asked, guide)

    def _begin(self, model: OpenedModel, question: Question, asked: Ask, guide: Guide) -> RequestId:
        tokens, sampling = asked.tokens, asked.sampling
        manifest, limit = model.manifest, self._limit(model)
        _check_prompt(question.tokens, manifest.vocabulary_size)
        wanted = max(limit - len(question.tokens), 1) if tokens is None else tokens
        if question.wants_vector:
            _check_text(question.tokens, limit)
        else:
            _check_sampling(sampling, model.tokenizer)
            _check_bounds(sampling, manifest.vocabulary_size)
            _check_room(question.tokens, wanted, limit)
        return self._start(
            Request(
                identifier=RequestId(self._workplace.random_bytes(_IDENTIFIER_BYTES).hex()),
                prompt=question.shown,
                prompt_tokens=question.tokens,
                salt=self._workplace.random_bytes(SALT_BYTES),
                text=question.text,
                text_is_rendered=question.rendered,
                tokens_wanted=1 if question.wants_vector else wanted,
                end_tokens=_end_tokens(model, question),
                sampling=rule_of(sampling),
                stop=sampling.stop,
                alternatives=sampling.alternatives,
                guide=guide,
                traced=asked.traced,
                tokenizer=model.tokenizer,
                submitted_s=self._workplace.clock.monotonic_s(),
                cut_stable_on=model.cut_stable_on,
                keeper=asked.keeper,
                kind=question.kind,
                note=question.note,
                vector_model=manifest if question.wants_vector else None,
                source_tokens=question.source_tokens,
                pictures=question.pictures,
                pixels=question.pixels,
                record=self._record,
            )
        )

    def _limit(self, model: OpenedModel) -> int:
        """Return how many tokens a prompt and its answer may have together."""
        return min(self._context_tokens, model.manifest.context_tokens)

    async def cancel(self, identifier: RequestId) -> None:
        """Stop a request; one that is unknown changes nothing."""
        request = self.requests.get(identifier)
        if request is not None:
            request.cancel()

    async def cancel_all(self) -> None:
        """Stop every request and wait until what they did is settled."""
        tasks = [request.task for request in self.requests.values() if request.task is not None]
        for request in self.requests.values():
            request.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close_logs(self) -> None:
        """Let all followers come to an end, whatever became of their requests."""
        for request in self.requests.values():
            request.log.close()

    def _start(self, request: Request) -> RequestId:
        if sum(not each.state.ended for each in self.requests.values()) >= MAXIMUM_REQUESTS:
            raise BadInputError("request.too_many", most=MAXIMUM_REQUESTS)
        self.requests[request.identifier] = request
        ended = [each for each in self.requests.values() if each.state.ended]
        for old in ended[:-REQUESTS_KEPT]:
            del self.requests[old.identifier]
        _shorten_logs(ended[-REQUESTS_KEPT:])
        runner = RequestRunner(request, self._workplace)
        request.task = self._workplace.nursery.start(runner.run(), f"request {request.identifier}")
        self._runners[request.identifier] = runner
        request.task.add_done_callback(lambda _: self._see_off(request))
        self._workplace.changed()
        return request.identifier

    async def read_ahead(self, applied: Applied) -> None:
        """Have phones that layers move to read all texts that are being written."""
        readings = [runner.read_ahead(applied) for runner in self._runners.values()]
        begun = {reading for reading in readings if reading is not None}
        try:
            if begun:
                await asyncio.wait(begun)
        finally:
            for reading in begun:
                reading.cancel()

    def _see_off(self, request: Request) -> None:
        """End a request whose task was stopped before it could do so, or had begun at all."""
        self._runners.pop(request.identifier, None)
        now_s = self._workplace.clock.monotonic_s()
        request.enter(RequestState.CANCELLED, STOPPED_REASON, now_s)


def _end_tokens(model: OpenedModel, question: Question) -> frozenset[int]:
    return frozenset(model.manifest.end_tokens) | question.end_tokens


def _prepared(
    model: OpenedModel, asked: Ask, presets: Sequence[Path], most: int
) -> tuple[Question, Guide]:
    """Return what is read and what steers the answer. Raises `BadInputError`. Blocking."""
    question = task_question(model, asked.task, presets, most)
    return question, _guide(model, question, asked.sampling)


def _guide(model: OpenedModel, question: Question, sampling: Sampling) -> Guide:
    """Return what steers the choice of each token. Raises `BadInputError`. Blocking."""
    penalties = (sampling.frequency_penalty, sampling.presence_penalty)
    if any(not -LARGEST_PENALTY <= each <= LARGEST_PENALTY for each in penalties):
        raise BadInputError("sampling.penalty", most=LARGEST_PENALTY)
    repetition = sampling.repetition_penalty
    most = sampling_rule.LARGEST_REPETITION
    if not 1 / most <= repetition <= most:
        raise BadInputError("sampling.repetition_penalty", most=most)
    prompt = question.tokens if repetition != 1 else ()
    if not sampling.grammar or question.wants_vector:
        return Guide(None, *penalties, repetition, prompt)
    size, ends = model.manifest.vocabulary_size, _end_tokens(model, question)
    grammar = Grammar(model.require_tokenizer(), sampling.grammar, size, ends)
    return Guide(grammar, *penalties, repetition, prompt)


def rule_of(sampling: Sampling) -> sampling_rule.SamplingRule:
    """Return what the last phone is told of a sampling."""
    return sampling_rule.SamplingRule(
        sampling.temperature,
        sampling.top_p,
        sampling.seed,
        sampling.top_k,
        sampling.min_p,
        tuple(sampling_rule.Bias(token, added) for token, added in sampling.biases),
    )


def _shorten_logs(ended: Sequence[Request]) -> None:
    """Keep the events of the requests that ended last, and of the others how they ended."""
    events = 0
    for request in reversed(ended):
        events += len(request.log)
        if events > ENDED_EVENTS_KEPT:
            request.log.keep_last()


def _check_prompt(tokens: tuple[int, ...], vocabulary_size: int) -> None:
    if not tokens:
        raise BadInputError("request.empty_prompt")
    if any(not 0 <= token < vocabulary_size for token in tokens):
        raise BadInputError("request.token_ids", most=vocabulary_size - 1)


def _check_room(tokens: tuple[int, ...], wanted: int, limit: int) -> None:
    if wanted < 1:
        raise BadInputError("request.no_tokens")
    if len(tokens) + wanted > limit:
        raise BadInputError(
            "request.beyond_context", prompt=len(tokens), wanted=wanted, context=limit
        )


def _check_text(tokens: tuple[int, ...], limit: int) -> None:
    if len(tokens) > limit:
        raise BadInputError("request.text_beyond_context", tokens=len(tokens), context=limit)


def _check_sampling(sampling: Sampling, tokenizer: TextTokenizer | None) -> None:
    if not 0 <= sampling.seed < 2**63:
        raise BadInputError("sampling.seed")
    hottest = sampling_rule.MAXIMUM_TEMPERATURE
    if not 0 <= sampling.temperature <= hottest:
        raise BadInputError("sampling.temperature", most=hottest)
    most = sampling_rule.MAXIMUM_ALTERNATIVES
    if not 0 <= sampling.alternatives <= most:
        raise BadInputError("sampling.alternatives", most=most)
    if sampling.stop and tokenizer is None:
        raise BadInputError("sampling.stop_without_tokenizer")
    if not all(sampling.stop):
        raise BadInputError("sampling.empty_stop")


def _check_bounds(sampling: Sampling, vocabulary_size: int) -> None:
    if not 0 <= sampling.top_p <= 1:
        raise BadInputError("sampling.top_p")
    if not 0 <= sampling.top_k <= MAXIMUM_VOCABULARY:
        raise BadInputError("sampling.top_k", most=MAXIMUM_VOCABULARY)
    if not 0 <= sampling.min_p <= 1:
        raise BadInputError("sampling.min_p")
    if len(sampling.biases) > sampling_rule.MAXIMUM_BIASES:
        raise BadInputError("sampling.too_many_biases", most=sampling_rule.MAXIMUM_BIASES)
    largest = sampling_rule.LARGEST_BIAS
    if any(not -largest <= added <= largest for _, added in sampling.biases):
        raise BadInputError("sampling.bias", most=largest)
    if any(not 0 <= token < vocabulary_size for token, _ in sampling.biases):
        raise BadInputError("sampling.biased_token", highest=vocabulary_size - 1)
