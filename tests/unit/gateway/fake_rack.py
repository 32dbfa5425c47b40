"""A rack without phones: real requests and their logs, written to by a thread as the test says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from typing import Any, cast

import numpy as np

from app.core.assignment import Assignment
from app.core.clock import SystemClock
from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.core.model import ModelManifest, ModelTask
from app.core.tasks import TaskKind
from app.gateway.access.keys import KeyStore
from app.gateway.context import GatewaySettings
from app.gateway.server import Gateway
from app.pipeline.results import TokenResult, VectorResult
from app.placement.problem import Prediction
from app.rack.commands import AnyCommand, Ask, Cancel, UseModel
from app.rack.commands.command import Command, Result
from app.rack.control import RackControl
from app.rack.events.recorder import Recorder, Recording
from app.rack.events.request_log import RequestStream
from app.rack.options import RackOptions
from app.rack.requests.request import STOPPED_REASON, Request
from app.rack.service import _empty_snapshot
from app.rack.snapshot import ModelChoice, Phase, RackSnapshot, RequestState, Samples
from app.telemetry.history import History, Metric, Window
from workers.protocol.sampling_rule import Choice, SamplingRule

MODEL, OTHER = "small", "other"
TIMEOUT_S = 30.0
VECTORS = ModelManifest(
    MODEL, "bert", "f32", 2, 100, 64, 1, 0, 2, None, (), (), None, ModelTask.EMBEDDING
)
Play = Callable[["FakeRequest"], None]


class FakeRequest:
    """One request; its methods are what a rack does with it."""

    def __init__(self, ask: Ask, name: str) -> None:
        self.ask = ask
        self.cancelled = Event()
        self.read = Event()
        """Set by a test once its client has what there is so far."""
        wanted = ask.tokens or 1000
        self.request = Request(
            RequestId(name), "", (1, 2, 3), wanted, frozenset({0}), SamplingRule(), None, 0.0
        )
        self.request.alternatives = ask.sampling.alternatives
        self.request.keeper = ask.keeper

    def say(self, token: int, log_probability: float = -0.5) -> None:
        """Add a token, whose text is its number."""
        choices = tuple(Choice(token + each, -0.5 - each) for each in range(self._alternatives))
        self.request.add_token(TokenResult(token, log_probability, choices, ()), 1.0)

    def take_back(self, kept: int) -> None:
        self.request.roll_back(kept, 2.0)

    def audit(self) -> None:
        self.request.enter(RequestState.AUDITING, None, 2.0)

    def end(self, state: RequestState = RequestState.SETTLED, reason: Fact | None = None) -> None:
        self.request.settled_tokens = self.request.verified_tokens = len(self.request.tokens)
        self.request.enter(state, reason, 3.0)

    def embed(self) -> None:
        """Answer with a vector."""
        self.request.kind, self.request.vector_model = TaskKind.EMBED, VECTORS
        self.request.take_vector(VectorResult(np.array([[0.5, -0.25]], np.float32), ()), 1.0)
        self.end()

    @property
    def _alternatives(self) -> int:
        return self.request.alternatives


def write_all(request: FakeRequest) -> None:
    """Write the tokens wanted and settle them."""
    for token in range(1, request.request.tokens_wanted + 1):
        if request.cancelled.is_set():
            request.end(RequestState.CANCELLED, STOPPED_REASON)
            return
        request.say(token)
    request.audit()
    request.end()


class FakeRack:
    """A `RackControl`; `play` writes each request, on a thread of its own."""

    def __init__(self, play: Play = write_all) -> None:
        self._lock = Lock()
        self.begin_again(play)
        self._threads = ThreadPoolExecutor(80)
        self._empty = _empty_snapshot(RackOptions(home=Path()), Phase.READY, (), 0.0)

    def begin_again(self, play: Play = write_all) -> None:
        """Forget everything."""
        self.play = play
        self.requests: dict[RequestId, FakeRequest] = {}
        self.refusal: ShardloomError | None = None
        self.phase = Phase.READY
        self.model = MODEL
        self._numbers = itertools.count(1)

    def do(self, command: Command[Result]) -> Future[Result]:
        done: Future[Any] = Future()
        try:
            done.set_result(self._act(cast(AnyCommand, command)))
        except ShardloomError as error:
            done.set_exception(error)
        return cast(Future[Result], done)

    def _act(self, command: AnyCommand) -> object:
        match command:
            case Ask():
                return self._ask(command)
            case Cancel(request):
                self.requests[request].cancelled.set()
            case UseModel(name):
                self.model = name
            case _:
                raise AssertionError(f"nobody asks for {command}")
        return None

    def _ask(self, ask: Ask) -> RequestId:
        if self.refusal is not None:
            raise self.refusal
        with self._lock:
            request = FakeRequest(ask, f"{next(self._numbers):012x}")
            self.requests[request.request.identifier] = request
        self._threads.submit(self.play, request)
        return request.request.identifier

    def follow(self, request: RequestId, after: int = 0) -> RequestStream:
        if request not in self.requests:
            raise BadInputError("request.unknown", request=request)
        return RequestStream(self.requests[request].request.log, after)

    def snapshot(self) -> RackSnapshot:
        with self._lock:
            requests = tuple(each.request.snapshot() for each in self.requests.values())
        model = next(each for each in self.models() if each.name == self.model)
        return replace(self._empty, phase=self.phase, model=model, requests=requests)

    def models(self) -> tuple[ModelChoice, ...]:
        tasks = (TaskKind.GENERATE, TaskKind.CHAT)
        return tuple(ModelChoice(name, "q8", 4, 1000, tasks) for name in (MODEL, OTHER))

    def subscribe(self, listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        del listener
        return lambda: None

    def events(self, since: int = 0) -> Recording:
        return Recorder(SystemClock()).since(since)

    def samples(self) -> Samples:
        return {}

    def history(self, metric: Metric, window: Window) -> History:
        del metric, window
        return {}

    def predict(self, assignment: Assignment) -> Prediction | None:
        del assignment
        return None

    def close(self) -> Future[None]:
        self._threads.shutdown(wait=False)
        done: Future[None] = Future()
        done.set_result(None)
        return done


@contextmanager
def serving(
    control: RackControl, home: Path, *, places: int = 4, load_models: bool = False
) -> Iterator[Gateway]:
    """Serve a rack on a port of loopback that is free."""
    settings = GatewaySettings(home / "ledger.sqlite", "127.0.0.1", 0, places, load_models)
    gateway = Gateway(control, KeyStore(home, SystemClock()), settings, SystemClock())
    try:
        yield gateway
    finally:
        gateway.close()
        control.close().result(TIMEOUT_S)
