"""The placement problem and its answer, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.core.assignment import Assignment, StageAssignment
from app.core.device import DeviceProfile, LinkProfile
from app.core.identifiers import BlobHash, Serial
from app.core.model import ModelManifest, ModelTask
from app.placement.conditions import UNCONDITIONAL, UNTOLD, Conditions, PhoneBody
from workers.protocol.boundary import Boundary
from workers.protocol.chain import Span


class Objective(StrEnum):
    """What the operator wants most."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    ENERGY = "energy"
    PRICE = "price"
    """The cheapest that is as quick as the conditions want it."""


class Method(StrEnum):
    """How an assignment was found."""

    EXACT = "exact"
    LINEAR_PROGRAM = "linear-program"
    MANUAL = "manual"


@dataclass(frozen=True)
class Pin:
    """Layers a person fixed to a phone; it may hold more around them."""

    serial: Serial
    span: Span

    def kept_by(self, assignment: Assignment) -> bool:
        """Tell whether the phone holds all of them."""
        stage = assignment.stage_of(self.serial)
        return stage is not None and stage.span.holds(self.span)


@dataclass(frozen=True)
class PlacementProblem:
    """Everything a planner may look at.

    `links` maps (from, to) serials, `HOST` at either end included; `resident` is what each phone
    already stores; `use_all` gives every phone at least one layer.
    """

    model: ModelManifest
    devices: tuple[DeviceProfile, ...]
    links: Mapping[tuple[Serial, Serial], LinkProfile]
    objective: Objective = Objective.LATENCY
    pins: tuple[Pin, ...] = ()
    use_all: bool = False
    context_tokens: int = 1024
    slots: int = 4
    boundary: Boundary = Boundary.F32
    resident: Mapping[Serial, frozenset[BlobHash]] = field(default_factory=dict)
    conditions: Conditions = UNCONDITIONAL
    reputations: Mapping[Serial, float] = field(default_factory=dict)
    bodies: Mapping[Serial, PhoneBody] = field(default_factory=dict)
    """How phones are that tell."""
    prices: Mapping[Serial, float] = field(default_factory=dict)
    """Micro-credits for a layer and token, doubt reckoned in; 0 where nothing is asked."""

    def admitted(self) -> PlacementProblem:
        """Return the problem of those phones that the conditions admit."""
        devices = tuple(device for device in self.devices if self._admits(device.serial))
        return self if len(devices) == len(self.devices) else replace(self, devices=devices)

    def _admits(self, serial: Serial) -> bool:
        reputation = self.reputations.get(serial, 0.0)
        return self.conditions.admits(serial, reputation, self.bodies.get(serial, UNTOLD))

    @property
    def boundary_bytes_per_token(self) -> int:
        """Bytes that cross from one phone to the next for one token: one hidden state."""
        return self.model.hidden_size * self.boundary.value_bytes

    def assignment(self, spans: Iterable[tuple[Serial, int, int]]) -> Assignment:
        """Return an assignment of (phone, first, end): layers numbered through all chains."""
        span_of = self.model.span_of
        stages = (StageAssignment(who, span_of(*layers)) for who, *layers in spans)
        return Assignment(self.model.name, self.model.chains, tuple(stages))


@dataclass(frozen=True)
class StagePrediction:
    """What one stage of an assignment is expected to do.

    `hop_s` is its hop to the next stage; the last one's is the way back to the first.
    """

    serial: Serial
    compute_s: float
    hop_s: float
    joules: float
    """What the phone draws for a token's computing, its radio left aside."""
    is_drain_measured: bool
    """Whether by what its battery lost, and not by what phones draw as a rule."""
    needed_bytes: int
    headroom_bytes: int
    push_bytes: int
    room_tokens: int | None = None
    """Tokens that its memory could keep, of all texts together; None where it keeps none."""

    @property
    def fits(self) -> bool:
        """Whether the span fits the phone's memory budget."""
        return self.headroom_bytes >= 0


@dataclass(frozen=True)
class Prediction:
    """What an assignment is expected to do, decoding one token at a time.

    Of a model that writes no tokens, what is said of a token holds for a text of one token.
    """

    token_latency_s: float
    saturated_tokens_per_second: float
    """The limit however many requests are in flight: the slowest stage, or all hops' airtime."""
    streams: int
    """Requests the phones have slots for."""
    energy_joules_per_token: float
    push_bytes: int
    stages: tuple[StagePrediction, ...]
    closed: bool
    """Whether the last phone feeds the first itself, and the host not every token."""
    task: ModelTask
    price_per_token: float = 0.0
    """Micro-credits, doubt of the phones reckoned in."""

    @property
    def writes(self) -> bool:
        """Whether the model writes tokens, and does not only answer a text."""
        return self.task is ModelTask.GENERATION

    @property
    def rate_unit(self) -> str:
        """What is counted a second, in short."""
        return "tok" if self.writes else "text"

    @property
    def tokens_per_second(self) -> float:
        """One stream's rate."""
        return 1.0 / self.token_latency_s

    @property
    def streams_tokens_per_second(self) -> float:
        """The rate of all requests together with every slot in use."""
        return min(self.saturated_tokens_per_second, self.streams / self.token_latency_s)

    @property
    def room_tokens(self) -> int | None:
        """Tokens of all texts together that every phone could keep; None where none are kept."""
        rooms = (stage.room_tokens for stage in self.stages)
        return min((room for room in rooms if room is not None), default=None)

    @property
    def is_energy_measured(self) -> bool:
        """Whether every phone's battery told what it draws."""
        return all(stage.is_drain_measured for stage in self.stages)

    @property
    def fits(self) -> bool:
        """Whether every span fits its phone."""
        return all(stage.fits for stage in self.stages)


@dataclass(frozen=True)
class Plan:
    """An assignment, what it promises, and the best single phone to compare with.

    What is proven optimal is so among plans that use all phones, keep the pins and the conditions,
    where these say so, and among all plans else.
    """

    assignment: Assignment
    prediction: Prediction
    method: Method
    proven_optimal: bool
    baseline: Plan | None = None
    uses_all: bool = False
    keeps_pins: bool = False
    keeps_conditions: bool = False
    too_slow: bool = False
    """Whether it was to be as quick as the conditions want, and nothing was found that is."""
