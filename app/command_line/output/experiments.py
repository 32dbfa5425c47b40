"""Kept experiments as tables and as JSON."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from app.command_line.output.terminal import print_line, print_table, translated
from app.faults.experiments.outcome import CheatOutcome, ExperimentRecord
from app.words.catalogue import message
from app.words.experiments.text import (
    caught_text,
    cost_text,
    expected_text,
    plan_line,
    summary_lines,
    verdict_word,
    when_text,
)
from app.words.faults import injected_fault

_FORM: Final = TypeAdapter(ExperimentRecord)
LIST_HEADINGS: Final = (
    message("name"),
    message("when"),
    message("rack"),
    message("verdict"),
    message("plan"),
)
CHEAT_HEADINGS: Final = (
    message("phone"),
    message("fault"),
    message("noticed"),
    message("expected"),
    message("account"),
)


def record_report(record: ExperimentRecord) -> dict[str, Any]:
    """Return an experiment as JSON, with the figures that follow from it."""
    report: dict[str, Any] = _FORM.dump_python(record, mode="json")
    report["verdict"] = record.verdict.value
    report["tokens_lost"] = sum(each.tokens_lost for each in record.faulty)
    report["harmed"] = [each.serial for each in record.harmed]
    return report


def print_records(records: list[ExperimentRecord]) -> None:
    """Print a line for each."""
    rows = [
        [
            each.identifier,
            when_text(each),
            each.rack,
            verdict_word(each.verdict),
            plan_line(each.experiment),
        ]
        for each in records
    ]
    print_table(translated(LIST_HEADINGS), rows)


def print_record(record: ExperimentRecord) -> None:
    """Print what an experiment showed."""
    cheats = [_cheat(each) for each in record.cheats]
    if cheats:
        print_table(translated(CHEAT_HEADINGS), cheats, title=record.experiment.name)
    lines = summary_lines(record)
    for line in (lines[0], *lines[1 + len(cheats) :]):
        print_line(line)


def _cheat(cheat: CheatOutcome) -> list[str]:
    return [
        cheat.name,
        injected_fault(cheat.fault),
        caught_text(cheat),
        expected_text(cheat),
        cost_text(cheat.account),
    ]
