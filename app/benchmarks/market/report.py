"""What honest and dishonest keepers earn in a simulated week, as tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.benchmarks.market.keepers import CHEATS, Behaviour
from app.benchmarks.market.week import LAYERS, REQUEST_EVERY_S, Market, PhoneModel, fixed
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.core.facts import Fact
from app.ledger.rules.economy import CREDIT
from app.ledger.rules.governance.parameters import BOUNDS, Parameter
from app.ledger.rules.quotes.quote import QuoteRule

PHONES: Final = 6
HONEST: Final = Behaviour("honest")
_BAR: Final = 24
"""Signs of the longest bar."""
KINDS: Final = (
    PhoneModel("quick, cool"),
    PhoneModel("quick, hot", warms_c=6.0),
    PhoneModel("slow, cool", layer_s=0.009),
    PhoneModel("slow, hot", layer_s=0.009, warms_c=6.0),
    PhoneModel("quick, cool, dear", quote=fixed(900)),
    PhoneModel("quick, hot, asks for care", warms_c=6.0),
)


@dataclass(frozen=True)
class Earned:
    """What one kind of keeper had of its week, in micro-credits: the median over seeds."""

    name: str
    profit: float
    honest: float
    """What an honest one has, the mean of all where all are."""
    harmed_share: float
    """Of all requests, those that were answered wrong and not found out."""


def measure(rounds: int) -> BenchmarkReport:
    """Play `rounds` weeks of each kind, a seed each."""
    kinds = _kinds(rounds)
    honest = statistics.mean(
        profit for phone in _profits([_phone()] * PHONES, rounds) for profit in phone
    )
    cheats = [_cheat(each, honest, rounds) for each in CHEATS]
    cartels = tuple(_cartel(share, rounds) for share in (0, 2, 4, PHONES))
    tables = (
        FigureTable(("an honest phone that is", ">credits a week", ""), tuple(_bars(kinds))),
        FigureTable(
            ("way of cheating", ">credits a week", ">honest in its place", ">answers harmed"),
            tuple(_row(each) for each in cheats),
        ),
        FigureTable(
            ("quoting the cap together", ">paid a request", ">each of them", ">each other"),
            cartels,
        ),
    )
    explanation = Fact(
        "bench.market", rounds=rounds, phones=PHONES, layers=LAYERS, every_s=REQUEST_EVERY_S
    )
    figures = {
        "kinds": dict(kinds),
        "honest": honest,
        "cheats": {each.name: each.profit for each in cheats},
        "worth_it": [each.name for each in cheats if each.profit > each.honest],
    }
    return BenchmarkReport("Market", explanation, tables, figures)


def _phone(**changes: float) -> PhoneModel:
    return replace(KINDS[0], **changes)  # type: ignore[arg-type]


def _profits(models: Sequence[PhoneModel], rounds: int) -> list[list[float]]:
    """Return the profits by phone, one a seed."""
    weeks = [_played(models, seed) for seed in range(rounds)]
    return [[float(week.phones[at].profit) for week in weeks] for at in range(len(models))]


def _played(models: Sequence[PhoneModel], seed: int) -> Market:
    week = Market(models, seed)
    week.play()
    return week


def _kinds(rounds: int) -> list[tuple[str, float]]:
    care = replace(fixed(625), rule=QuoteRule.CARE, rise_per_mille=1000)
    models = [*KINDS[:-1], replace(KINDS[-1], quote=care)]
    profits = _profits(models, rounds)
    return [(m.name, statistics.median(each)) for m, each in zip(models, profits, strict=True)]


def _cheat(behaviour: Behaviour, honest: float, rounds: int) -> Earned:
    cheating = [replace(_phone(), behaviour=behaviour)] * (1 + behaviour.partners)
    models = [*cheating, *[_phone()] * (PHONES - len(cheating))]
    weeks = [_played(models, seed) for seed in range(rounds)]
    profit = statistics.median(week.phones[0].profit for week in weeks)
    harmed = statistics.mean(week.harmed / week.requests for week in weeks)
    return Earned(behaviour.name, profit, honest, harmed)


def _cartel(members: int, rounds: int) -> tuple[str, ...]:
    """Return what it costs the buyer where so many phones ask for the most there may be."""
    dear = replace(_phone(), quote=fixed(BOUNDS[Parameter.QUOTE_CAP].default))
    models = [*[dear] * members, *[_phone()] * (PHONES - members)]
    weeks = [_played(models, seed) for seed in range(rounds)]
    paid = statistics.median(week.spent / (week.requests - week.unserved) for week in weeks)

    def each(kept: Callable[[Market], Sequence[int]]) -> str:
        found = [profit for week in weeks for profit in kept(week)]
        return credits_text(statistics.mean(found)) if found else "-"

    return (
        f"{members} / {PHONES}",
        credits_text(paid),
        each(lambda week: [one.profit for one in week.phones[:members]]),
        each(lambda week: [one.profit for one in week.phones[members:]]),
    )


def _bars(kinds: Sequence[tuple[str, float]]) -> list[tuple[str, ...]]:
    """Return rows with a bar that is as long as what was earned."""
    most = max((profit for _, profit in kinds), default=0.0) or 1.0
    return [
        (name, credits_text(profit), "█" * max(round(_BAR * profit / most), 0))
        for name, profit in kinds
    ]


def _row(earned: Earned) -> tuple[str, ...]:
    return (
        earned.name,
        credits_text(earned.profit),
        credits_text(earned.honest),
        f"{earned.harmed_share:.1%}",
    )


def credits_text(amount: float) -> str:
    """Return micro-credits as credits with a digit behind the point."""
    return f"{amount / CREDIT:,.1f}"
