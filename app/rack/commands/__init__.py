"""What a rack may be told to do: one frozen class a command, which names the type of its result.

`RackControl.do(command)` gives a `Future` of that result. Commands are records too: the recorder
keeps them, so they hold values and, where something is told meanwhile, whom to tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from app.core.assignment import Assignment
from app.core.audit_outcome import CheckMode
from app.core.device import PhoneInspection
from app.core.identifiers import RequestId, Serial
from app.core.model import ModelManifest
from app.core.standard.rules import Conformance
from app.core.tasks import Task, without_pictures
from app.faults.catalogue import Fault
from app.faults.experiments.plan import Experiment
from app.ledger.views.discrepancy_rows import Discrepancies
from app.ledger.views.journal_page import JournalPage, JournalSearch
from app.placement.conditions import Conditions
from app.placement.problem import Objective, Pin
from app.placement.rebalancing.setting import Balancing
from app.rack.commands.command import Command
from app.rack.commands.pairing import AddPlace, PairByCode, PairByQr, WatchPairing

if TYPE_CHECKING:  # the planners take a while to load, and a window is painted before
    from app.rack.compared_plans import Foresight, PlanComparison

_Comparisons: TypeAlias = "tuple[PlanComparison, ...]"
_Foresights: TypeAlias = "tuple[Foresight, ...]"


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen, where the text ends and what is shown beside it.

    Temperature 0 is greedy. The text ends before the first of the `stop` texts that it would
    contain. `alternatives` is how many of the likeliest tokens are told with each one chosen. The
    others are those of `SamplingRule`; a bias is a token and what is added to its logit.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    alternatives: int = 0
    top_k: int = 0
    min_p: float = 0.0
    biases: tuple[tuple[int, float], ...] = ()
    frequency_penalty: float = 0.0
    """What a token loses for each time that it came in the answer."""
    presence_penalty: float = 0.0
    """What it loses for having come at all."""
    grammar: str = ""
    """What the text keeps to (`app.models.formats.grammar`); empty where it is free."""
    repetition_penalty: float = 1.0
    """What the logit of each token of prompt and answer is divided by, multiplied where below 0."""


@dataclass(frozen=True)
class Ask(Command[RequestId]):
    """Start a request; `follow` tells what comes of it, and so do the snapshots.

    `tokens` and `sampling` count where the answer is a text; without `tokens` it may be as long as
    the context has room. What the model on the rack can be asked for stands in its
    `ModelChoice.tasks`.
    """

    task: Task
    tokens: int | None = 1
    sampling: Sampling = Sampling()
    keeper: str = ""
    """Whose text it is: what was computed for one keeper is reused for no other."""
    traced: bool = False
    """Whether its events tell where the time of each step went."""

    def as_record(self) -> Ask:
        """Return it without pictures, which would fill the record."""
        return replace(self, task=without_pictures(self.task))


@dataclass(frozen=True)
class Cancel(Command[None]):
    """Stop a request; tokens so far stay shown. One that is unknown or has ended stays as it is."""

    request: RequestId


@dataclass(frozen=True)
class RequestAssignment(Command[None]):
    """Make this the requested assignment; nothing moves until `Apply`."""

    assignment: Assignment


@dataclass(frozen=True)
class Replan(Command[None]):
    """Make the planner's answer the requested assignment.

    `conditions` count for every plan from then on; None, or no plan, keeps those in force.
    """

    objective: Objective
    pins: tuple[Pin, ...] = ()
    conditions: Conditions | None = None


@dataclass(frozen=True)
class Compare(Command[_Comparisons]):
    """Place the model by every method for the objective and pins now set."""


@dataclass(frozen=True)
class Foresee(Command[_Foresights]):
    """Place models that are not imported yet on the phones there are; nothing moves."""

    models: tuple[ModelManifest, ...]


@dataclass(frozen=True)
class Apply(Command[None]):
    """Deploy the requested assignment; running requests move over without losing a token.

    Cancelling the Future stops the deployment: the applied assignment stays.
    """


@dataclass(frozen=True)
class SetBalancing(Command[None]):
    """Say whether layers move by themselves from now on; a proposal that waits is dropped."""

    mode: Balancing


@dataclass(frozen=True)
class SetChecks(Command[None]):
    """Say how answers are checked from now on; a text under way keeps the audit rate it has."""

    audit_rate: float
    """Share of receipts audited, 0 to 1."""
    mode: CheckMode
    verifiers: bool | None = None
    """Whether idle phones audit others of their class; None leaves that as it is."""


@dataclass(frozen=True)
class UseModel(Command[None]):
    """Run another model on the rack."""

    name: str


@dataclass(frozen=True)
class CompareReceipts(Command[Discrepancies]):
    """Compare what phones keep of receipts with the journal."""


@dataclass(frozen=True)
class MeasureLinks(Command[None]):
    """Measure all links between phones anew, for snapshots; not while a request runs."""


@dataclass(frozen=True)
class Inject(Command[None]):
    """Set a fault on a phone."""

    fault: Fault


@dataclass(frozen=True)
class ClearFault(Command[None]):
    """Lift the fault from a phone, restarting its worker where it is gone."""

    serial: Serial


@dataclass(frozen=True)
class StartExperiment(Command[str]):
    """Carry out an experiment, named in the archive by the result; snapshots tell how it goes."""

    experiment: Experiment


@dataclass(frozen=True)
class StopExperiment(Command[None]):
    """Break off the experiment under way and restore; nothing where there is none."""


@dataclass(frozen=True)
class RestartWorker(Command[None]):
    """End a phone's worker and start a new one with the same layers.

    Running requests go on at once on the other phones, or on this one where only it can.
    """

    serial: Serial


@dataclass(frozen=True)
class SetMemoryShare(Command[None]):
    """Let layers take that share of a phone's available memory, from the next plan on."""

    serial: Serial
    share: float
    """Above 0, at most `MOST_MEMORY_SHARE`; more than the phone has free is at one's own risk."""


@dataclass(frozen=True)
class TakePhone(Command[None]):
    """Take a phone from the other control centre that it works for, whose worker ends."""

    serial: Serial


@dataclass(frozen=True)
class Release(Command[None]):
    """Let a jailed phone work again; a journalled decision of the operator."""

    serial: Serial


@dataclass(frozen=True)
class ConfirmClass(Command[None]):
    """Say that a class in doubt is judged rightly: its phones are blamed again."""

    name: str


@dataclass(frozen=True)
class KeepEvidence(Command[None]):
    """Keep evidence so many days (0: for ever) and bytes, as far as nothing needs it."""

    most_days: int
    most_bytes: int


@dataclass(frozen=True)
class AddStake(Command[None]):
    """Move micro-credits from the operator's account to a phone's stake."""

    serial: Serial
    amount: int


@dataclass(frozen=True)
class SubmitStatement(Command[str]):
    """Journal what a keeper signed: an order, a quote, a proposal or a vote.

    Signature and key are hexadecimal. The result is the proposal or phone that it is about.
    """

    data: str
    signature: str
    key: str


@dataclass(frozen=True)
class StopPayments(Command[None]):
    """Begin an emergency stop of so many seconds; end the one in force where it is of 0."""

    seconds: int
    reason: str


@dataclass(frozen=True)
class ReadJournal(Command[JournalPage]):
    """Read the newest rows of the ledger's journal older than the entry `before`, or than any."""

    before: int | None = None
    count: int = 200
    search: JournalSearch = field(default_factory=JournalSearch)


@dataclass(frozen=True)
class Identify(Command[None]):
    """Let a phone show itself: its screen wakes and blinks for two seconds."""

    serial: Serial


@dataclass(frozen=True)
class InspectPhone(Command[PhoneInspection]):
    """Read a phone's own logs and which files it keeps for us."""

    serial: Serial


@dataclass(frozen=True)
class Examine(Command[Conformance]):
    """Try every rule of the Inference Engine Standard on a phone and journal what came of it."""

    serial: Serial


AnyCommand = (
    Ask
    | Cancel
    | RequestAssignment
    | Replan
    | Compare
    | Foresee
    | Apply
    | SetBalancing
    | SetChecks
    | UseModel
    | CompareReceipts
    | MeasureLinks
    | Inject
    | ClearFault
    | StartExperiment
    | StopExperiment
    | RestartWorker
    | SetMemoryShare
    | TakePhone
    | Release
    | ConfirmClass
    | KeepEvidence
    | AddStake
    | SubmitStatement
    | StopPayments
    | ReadJournal
    | Identify
    | InspectPhone
    | Examine
    | WatchPairing
    | PairByCode
    | PairByQr
    | AddPlace
)
"""Every command there is: what carries them out has a case for each, or is a type error."""
