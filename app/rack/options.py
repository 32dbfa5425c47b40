"""How a rack is opened, whatever the front end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from app.core.audit_outcome import CheckMode
from app.core.device import KnownPhone
from app.core.model import DEMO_MODEL
from app.pipeline.opening_stages.lookup import LookupMode
from app.placement.conditions import UNCONDITIONAL, Conditions
from app.placement.rebalancing.setting import Balancing
from workers.protocol.boundary import Boundary

DEFAULT_MODEL = DEMO_MODEL
DEMO_PROMPT = "In the beginning"
"""What the demo goes on with, in the window, the terminal and the benchmarks."""
DEFAULT_OBJECTIVE = "throughput"
DEFAULT_SLOTS = 4
MAXIMUM_SLOTS = 64
MAXIMUM_REQUESTS = 256
"""As many may run or wait at once; every one of them is in each snapshot."""
DEFAULT_CONTEXT_TOKENS = 1024


@dataclass(frozen=True)
class RackOptions:
    """`rack` is `virtual:N`, a rack file, `usb`, `wifi` or `server:HOST:PORT`.

    None looks for phones behind the local adb server and falls back to the virtual demo rack.
    """

    home: Path
    rack: str | None = None
    model: str = DEFAULT_MODEL
    objective: str | None = None
    slots: int = DEFAULT_SLOTS
    """Requests that decode at once; each has its attention cache on every phone."""
    context_tokens: int = DEFAULT_CONTEXT_TOKENS
    """Tokens a slot holds, prompt and answer together; less where the model ends before."""
    boundary: Boundary = Boundary.F32
    """How hidden states cross from phone to phone."""
    most_chunks: int | None = None
    """Chunks of a prompt under way at a time: with 1 each is waited for; None takes the usual."""
    audit_rate: float | None = None
    """Share of receipts audited; None takes the rack's own setting."""
    check_mode: CheckMode | None = None
    """Whether every token of each text is checked; None takes the rack's own."""
    verifiers: bool | None = None
    """Whether idle phones audit others of their class; None takes the rack's own."""
    sharp_rate: float = 0.0
    """Share of audited stages that are run again on their phones, operator by operator; those
    whose audits deviate always are."""
    auditors: str | None = None
    """The scheduler of a Dask cluster that audits receipts, `tcp://HOST:PORT`; None audits here."""
    auditors_tls: Path | None = None
    """A folder with the certificates for it: ca.pem, cert.pem, key.pem."""
    balancing: Balancing | None = None
    """Whether layers move by themselves; None takes the rack's own."""
    pause_limit_s: float | None = None
    """How long a request waits where too few phones are there; None takes the rack's own."""
    conditions: Conditions = UNCONDITIONAL
    """What is asked of every plan beside the rack's own conditions."""
    lookup: LookupMode | None = None
    """Whether rings may draft tokens; None takes the rack's own."""
    patience: float = 1.0
    """How many times longer than usual phones may take to answer: more on a busy computer."""
    known: tuple[KnownPhone, ...] = ()
    """What is said of phones beside what the rack's file says of them, and after it."""
    take: bool = False
    """Whether phones that work for another control centre are taken from it."""
    beside_a_window: bool = False
    """Whether a window needs this computer's processors as well as simulated phones do."""
    lets_terminals_in: bool = False
    """Whether other programs of the same user find it open, and use it (`app.rack.door`)."""

    record: Path | None = None
    """A file that everything shown and done is written to (`app.rack.replay`)."""

    def with_conditions(self, others: Conditions) -> RackOptions:
        """Return the same with those conditions too."""
        return replace(self, conditions=self.conditions | others)
