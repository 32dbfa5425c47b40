"""Hostile phones in many rings: what catches them, how soon, at what cost, and who is harmed."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from app.benchmarks.stages.random_model import LlamaSize, write_random_llama
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.core.assets import ASSETS
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.model import ModelManifest
from app.core.units import format_duration
from app.ledger.rules.economy import CREDIT
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.simulation.adversary.cheats import FORMS, Cheat, every_cheat
from app.simulation.adversary.costs import StageCost, measured_costs
from app.simulation.adversary.ring import phones_of
from app.simulation.adversary.trial import PROMPT_TOKENS, TOKENS, Trial, TrialResult

MOST_AUDITS: Final = 40
CONTEXT_TOKENS: Final = 64
COST_MODEL: Final = LlamaSize(
    layers=6, hidden_size=1024, inner_size=2816, vocabulary_size=16_384, context_tokens=512
)
WANTED_AUDIT_SHARES: Final = {Quantization.F32: 0.15, Quantization.Q8: 0.30, Quantization.Q4: 0.45}
WANTED_SIGNING_SHARE: Final = 0.03
CHEATS: Final = (
    "weights",
    "cheat",
    ">runs",
    ">caught",
    ">median audits",
    ">most",
    ">wanted",
    ">by its stake",
    ">credits lost",
    ">credits earned",
    ">honest harmed",
)
COSTS: Final = (
    "weights",
    "stage",
    ">its work a token",
    ">signing",
    ">wanted",
    ">of it grounds",
    ">audit",
    ">wanted",
)


@dataclass(frozen=True)
class CheatFigures:
    """All runs of one cheat."""

    cheat: Cheat
    runs: tuple[TrialResult, ...]

    @property
    def median_audits(self) -> float:
        """Audited requests until it was caught, `MOST_AUDITS` where it was not."""
        return statistics.median(run.audited for run in self.runs)

    def row(self) -> tuple[str, ...]:
        """Return what the table says of it."""
        runs, count = self.runs, len(self.runs)
        return (
            self.cheat.quantization.value,
            self.cheat.name,
            str(count),
            f"{sum(run.caught for run in runs) / count:.0%}",
            f"{self.median_audits:g}",
            str(max(run.audited for run in runs)),
            f"at most {self.cheat.most_audits}",
            f"{sum(run.by_stake for run in runs) / count:.0%}",
            f"{statistics.median(run.lost for run in runs) / CREDIT:g}",
            f"{statistics.median(run.earned for run in runs) / CREDIT:.3g}",
            str(sum(run.harmed for run in runs)),
        )

    def figures(self) -> dict[str, object]:
        """Return it ready for JSON."""
        named = {"cheat": self.cheat.name, "weights": self.cheat.quantization.value}
        return {**named, "runs": [asdict(run) for run in self.runs]}


def measure(rounds: int) -> BenchmarkReport:
    """Run every cheat so many times, each against a ledger of its own; then measure the costs."""
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as folder:
        found = tuple(_every_cheat(Path(folder), rounds))
        costs = _costs(Path(folder) / "costs", rounds)
    harmed = sum(run.harmed for each in found for run in each.runs)
    if harmed:
        raise ShardloomError("bench.honest_harmed", count=harmed)
    explanation = Fact(
        "bench.adversary", rounds=rounds, tokens=TOKENS, prompt=PROMPT_TOKENS, most=MOST_AUDITS
    )
    tables = (
        FigureTable(CHEATS, tuple(each.row() for each in found)),
        FigureTable(COSTS, tuple(_cost_row(*each) for each in costs)),
    )
    figures = {
        "cheats": [each.figures() for each in found],
        "costs": [{"weights": form.value, **asdict(cost)} for form, cost in costs],
    }
    return BenchmarkReport("Adversary", explanation, tables, figures)


def _every_cheat(folder: Path, rounds: int) -> Iterator[CheatFigures]:
    library = Library(folder / "home")
    models = {
        each: library.import_folder(ASSETS / "demo_model", f"demo-{each.value}", each)
        for each in FORMS
    }
    texts = _texts(library, models[Quantization.F32])
    for number, cheat in enumerate(every_cheat()):
        model, runs = models[cheat.quantization], list[TrialResult]()
        for turn in range(rounds):
            place = folder / f"{number}-{turn}"
            place.mkdir()
            phones = phones_of(library, model, cheat, CONTEXT_TOKENS)
            most = max(MOST_AUDITS, cheat.most_audits)
            runs.append(Trial(place, library, phones, turn).run(cheat, texts, most))
        yield CheatFigures(cheat, tuple(runs))


def _texts(library: Library, model: ModelManifest) -> Sequence[Sequence[int]]:
    tokenizer = library.tokenizer(model)
    if tokenizer is None:
        raise ShardloomError("bench.no_tokenizer", model=model.name)
    text = (ASSETS / "sample_text" / "gettysburg_address.txt").read_text()
    tokens = tokenizer.encode(text)
    starts = range(0, len(tokens) - PROMPT_TOKENS, PROMPT_TOKENS)
    return [tokens[start : start + PROMPT_TOKENS] for start in starts]


def _costs(folder: Path, rounds: int) -> list[tuple[Quantization, StageCost]]:
    source = write_random_llama(folder / "source", COST_MODEL)
    library, found = Library(folder / "home"), list[tuple[Quantization, StageCost]]()
    for each in FORMS:
        model = library.import_folder(source, f"random-{each.value}", each)
        found += [(each, cost) for cost in measured_costs(library, model, rounds)]
    return found


def _cost_row(form: Quantization, cost: StageCost) -> tuple[str, ...]:
    return (
        form.value,
        cost.name,
        format_duration(cost.work_s / cost.tokens),
        f"{cost.signing_share:.1%}",
        f"at most {WANTED_SIGNING_SHARE:.0%}",
        f"{cost.grounds_share:.2%}",
        f"{cost.audit_share:.0%}",
        f"at most {WANTED_AUDIT_SHARES[form]:.0%}",
    )
