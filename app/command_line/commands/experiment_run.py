"""`shardloom experiment run`: carry out a planned experiment on a rack."""

from __future__ import annotations

import argparse

from app.command_line.failures import complain
from app.command_line.options import rack_options
from app.command_line.output.experiments import print_record, record_report
from app.command_line.output.terminal import print_json
from app.command_line.rack_session import COMMAND_TIMEOUT_S, RackSession, found_rack, tell_left_out
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.faults.experiments.archive import ExperimentArchive
from app.faults.experiments.outcome import ExperimentRecord
from app.faults.experiments.plan import Experiment
from app.faults.experiments.reading import read_experiment
from app.rack.commands import StartExperiment, StopExperiment
from app.rack.snapshot import RackSnapshot
from app.words.experiments.text import badge_text
from app.words.sentences import fact_text

LONGEST_PASS_S = 400.0
"""What preparing, settling and restoring may take of each pass beside its own time."""


def execute(arguments: argparse.Namespace) -> int:
    """Carry it out and print its verdict; what was injected is lifted whatever happens."""
    experiment = read_experiment(arguments.file)
    with found_rack(rack_options(arguments)) as session:
        snapshot = session.wait_until_ready()
        tell_left_out(snapshot)
        identifier = session.control.do(StartExperiment(experiment)).result(COMMAND_TIMEOUT_S)
        try:
            _wait(session, experiment, identifier)
        except (KeyboardInterrupt, ShardloomError):
            session.control.do(StopExperiment()).result(LONGEST_PASS_S)
            raise
    record = ExperimentArchive(arguments.home).read(identifier)
    _print(record, arguments)
    return 0


def _wait(session: RackSession, experiment: Experiment, identifier: str) -> None:
    told = ""

    def has_finished(snapshot: RackSnapshot) -> bool:
        nonlocal told
        status = snapshot.experiment
        if status is None or status.identifier != identifier:
            return False
        if badge_text(status) != told and status.runs:
            told = badge_text(status)
            complain(told)
        return not status.runs

    passes = experiment.repeat + experiment.control
    session.wait_until(has_finished, passes * (experiment.duration_s + LONGEST_PASS_S))


def _print(record: ExperimentRecord, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json(record_report(record))
        return
    print_record(record)
    complain(fact_text(Fact("experiment.kept", name=record.identifier)))
