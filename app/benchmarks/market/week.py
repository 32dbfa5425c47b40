"""A simulated week of a market: phones, their keepers, a buyer, audits and the ledger's rules.

Simulated are phones, requests and chance. Reputation, audit rates, penalties, fees, prices and the
choice of the buyer are the program's own functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from app.benchmarks.market.keepers import Behaviour, Shown, StageWork
from app.core.audit_outcome import AuditOutcome
from app.core.errors import DoesNotFitError
from app.core.identifiers import Serial
from app.ledger.rules.audits.suspicion import (
    NOT_ADMITTED_FROM,
    SUSPECTED_FROM,
    after_coarse_audit,
)
from app.ledger.rules.audits.wealth import Wealth
from app.ledger.rules.economy import (
    BOND_PER_MILLE,
    STARTING_STAKE,
    WATCHED_AUDITS,
    audit_rate_for,
    penalty_for,
    share,
)
from app.ledger.rules.governance.parameters import BOUNDS, Parameter
from app.ledger.rules.phones.reputation import Reputation
from app.ledger.rules.quotes.quote import Quote, QuoteRule, price_of, strain_of
from app.placement.market import Offer, RingWanted, buy

WEEK_S: Final = 7 * 86_400.0
REQUEST_EVERY_S: Final = 600.0
TOKENS: Final = 400
LAYERS: Final = 16
USUAL_AUDIT_RATE: Final = 0.1
TRIED_SHARE: Final = 0.2
"""Of requests: bought as if nobody were doubted, and audited whole, so that who is new comes in."""
LEARNED_AFTER: Final = 3
"""Requests until measured times take the place of what a phone says."""
_COOLING_S: Final = 1800.0
_HOT_C: Final = 42.0


@dataclass(frozen=True)
class PhoneModel:
    """What a phone is like; `cost` is micro-credits that a layer and token costs its keeper."""

    name: str
    layer_s: float = 0.004
    cost: int = 250
    quote: Quote = field(default_factory=lambda: fixed(625))
    warms_c: float = 2.5
    """What a request's share of four layers heats it by."""
    behaviour: Behaviour = field(default_factory=lambda: Behaviour("honest"))
    most_layers: int = 4
    stake: int = STARTING_STAKE


@dataclass
class KeptPhone:
    """A phone in the market; amounts in micro-credits."""

    model: PhoneModel
    stake: int
    staked: int
    reputation: Reputation = field(default_factory=Reputation)
    suspicion: Wealth = field(default_factory=Wealth)
    watched: int = 0
    jailed_until_s: float = 0.0
    banned: bool = False
    excess_c: float = 0.0
    earned: int = 0
    lost: int = 0
    costs: int = 0
    owed: int = 0
    deaths: int = 0
    served: int = 0
    pending: list[tuple[float, int]] = field(default_factory=list)
    """(paid from, micro-credits)."""

    @property
    def profit(self) -> int:
        """What its keeper has of it: pay that it keeps, less costs and lost stake."""
        return self.earned + sum(pay for _, pay in self.pending) - self.costs - self.lost

    @property
    def headroom_c(self) -> float:
        """Degrees below where it slows down."""
        return _HOT_C - 27.0 - self.excess_c

    @property
    def layer_s(self) -> float:
        """What a layer takes now: twice as long where it is hot."""
        return self.model.layer_s * (2.0 if self.headroom_c <= 0 else 1.0)

    def price(self) -> int:
        """Return what it asks now."""
        strain = strain_of(self.headroom_c, 1.0, charging=True)
        return price_of(self.model.quote, 0, strain)


def fixed(price: int) -> Quote:
    """Return a quote that nothing moves."""
    return Quote("", QuoteRule.FIXED, price, 0, BOUNDS[Parameter.QUOTE_CAP].default)


def kept(model: PhoneModel) -> KeptPhone:
    """Return a phone as it enters; one without stake is in probation."""
    stake = 0 if model.behaviour.begins_without_stake else model.stake
    return KeptPhone(model, stake, stake)


class Market:
    """Plays a week. The same seed plays the same."""

    def __init__(
        self, models: Sequence[PhoneModel], seed: int, most_token_s: float | None = 0.12
    ) -> None:
        self.phones = [kept(model) for model in models]
        self._random = Random(seed)  # noqa: S311 - a drawn course, no secret
        self._wanted = RingWanted(LAYERS, most_token_s)
        self.spent = 0
        self.unserved = 0
        self.harmed = 0
        self.requests = 0

    def play(self) -> None:
        """Let a week pass; what is still held at its end is paid to who was not found out."""
        now_s = 0.0
        while now_s < WEEK_S:
            self._request(now_s)
            for phone in self.phones:
                phone.excess_c *= 0.5 ** (REQUEST_EVERY_S / _COOLING_S)
                self._release(phone, now_s)
            now_s += REQUEST_EVERY_S

    def _release(self, phone: KeptPhone, now_s: float) -> None:
        due = [pay for from_s, pay in phone.pending if from_s <= now_s]
        phone.pending = [each for each in phone.pending if each[0] > now_s]
        for pay in due:
            missing = max(BOUNDS[Parameter.MINIMUM_STAKE].default - phone.stake, 0)
            phone.stake += min(pay, missing)
            phone.staked += min(pay, missing)
            phone.earned += pay

    def _request(self, now_s: float) -> None:
        self.requests += 1
        by_name = {Serial(str(at)): phone for at, phone in enumerate(self.phones)}
        trying = self._random.random() < TRIED_SHARE
        offers = [
            _offer(serial, phone, trying=trying)
            for serial, phone in by_name.items()
            if not phone.banned
            and phone.jailed_until_s <= now_s
            and phone.suspicion.amount < NOT_ADMITTED_FROM
        ]
        self._random.shuffle(offers)  # of equal offers none is always the first
        try:
            bought = buy(offers, self._wanted)
        except DoesNotFitError:
            self.unserved += 1
            return
        harmed = False
        for serial, layers in bought.layers:
            harmed |= self._stage(by_name[serial], layers, now_s, trying=trying)
        self.harmed += harmed

    def _stage(self, phone: KeptPhone, layers: int, now_s: float, *, trying: bool) -> bool:
        """Have one phone do its part; return whether a wrong answer was kept."""
        work = phone.model.behaviour.work(now_s / 86_400, self._random)
        price = phone.price() * layers * TOKENS
        fee = share(price, BOUNDS[Parameter.TREASURY_FEE_PER_MILLE].default)
        phone.served += 1
        phone.costs += round(phone.model.cost * layers * TOKENS * work.cost_share)
        phone.excess_c += phone.model.warms_c * layers / 4 * max(work.cost_share, 0.1)
        if not work.signed:
            phone.reputation = phone.reputation.after(honest=False)
            phone.jailed_until_s = now_s + 600
            return False
        rate = 1.0 if trying else self._audit_rate(phone)
        found = self._random.random() < rate and self._audited(phone, work, price - fee, now_s)
        if work.equivocates:
            self._slash(phone, "equivocation", now_s)
            found = True
        if not found:
            self._pay(phone, price - fee, now_s)
            self.spent += price
        return work.harms and not found

    def _audit_rate(self, phone: KeptPhone) -> float:
        if phone.stake < BOUNDS[Parameter.MINIMUM_STAKE].default:
            return 1.0
        watched = phone.watched > 0 or phone.suspicion.amount >= SUSPECTED_FROM
        return audit_rate_for(USUAL_AUDIT_RATE, watched=watched)

    def _pay(self, phone: KeptPhone, pay: int, now_s: float) -> None:
        kept_back = min(phone.owed, pay)
        phone.owed -= kept_back
        window_s = BOUNDS[Parameter.EVIDENCE_WINDOW_S].default
        phone.pending.append((now_s + window_s, pay - kept_back))

    def _audited(self, phone: KeptPhone, work: StageWork, pay: int, now_s: float) -> bool:
        """Let an audit find what there is to find; return whether the stage stays unpaid."""
        phone.watched = max(phone.watched - 1, 0)
        match work.shown:
            case Shown.RIGHT:
                phone.reputation = phone.reputation.after(honest=True)
                seen = 0.02
                phone.suspicion = after_coarse_audit(phone.suspicion, AuditOutcome.PASSED, seen)
                return False
            case Shown.DEVIATES:
                phone.reputation = phone.reputation.after(honest=False)
                phone.watched = WATCHED_AUDITS
                phone.suspicion = after_coarse_audit(phone.suspicion, AuditOutcome.DEVIATES, 1.0)
                self._slash(phone, "wrong-output", now_s)  # run again, its numbers convict it
                return True
            case Shown.WRONG:
                self._slash(phone, "wrong-output", now_s)
                return True
            case Shown.NOTHING:
                self._refused(phone, pay, now_s)
                return True
            case Shown.GONE:
                phone.deaths += 1
                if phone.deaths > 2:  # beyond what chance explains it counts as refusing
                    self._refused(phone, pay, now_s)
                return True

    def _refused(self, phone: KeptPhone, pay: int, now_s: float) -> None:
        price = max(share(phone.staked, BOND_PER_MILLE), round(pay / self._audit_rate(phone)))
        phone.owed += price
        phone.reputation = phone.reputation.after(honest=False)
        phone.jailed_until_s = now_s + 600

    def _slash(self, phone: KeptPhone, offence: str, now_s: float) -> None:
        penalty = penalty_for(offence)
        taken = min(share(phone.staked, penalty.stake_per_mille), phone.stake)
        reward = 0
        if phone.model.behaviour.reports_itself:
            reward = share(taken, BOUNDS[Parameter.REPORTER_PER_MILLE].default)
        phone.stake -= taken
        phone.lost += taken - reward
        phone.reputation = phone.reputation.after(honest=False)
        phone.jailed_until_s = now_s + penalty.jail_s
        phone.banned |= penalty.tombstone
        phone.pending = phone.pending[:-1]
        if phone.model.behaviour.begins_anew:
            self._begin_anew(phone, now_s)

    def _begin_anew(self, phone: KeptPhone, now_s: float) -> None:
        """Put a new name in the place of one that was found out: nothing comes with it."""
        phone.stake = phone.staked = phone.owed = phone.deaths = phone.watched = 0
        phone.reputation, phone.suspicion = Reputation(), Wealth()
        phone.jailed_until_s, phone.banned = now_s, False


def _offer(serial: Serial, phone: KeptPhone, *, trying: bool) -> Offer:
    behaviour = phone.model.behaviour
    claimed = behaviour.claims if phone.served < LEARNED_AFTER else 1.0
    known = 1.0 if trying else max(round(phone.reputation.lower_bound, 1), 0.1)
    return Offer(
        serial, phone.price(), phone.layer_s / claimed, 0.004, phone.model.most_layers, known
    )
