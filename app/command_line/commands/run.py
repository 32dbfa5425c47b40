"""`shardloom run`: one prompt, or several at once, through the rack."""

from __future__ import annotations

import argparse

from app.command_line.failures import complain
from app.command_line.fault_options import inject_faults
from app.command_line.options import rack_options
from app.command_line.output.progress import Progress, shown_progress
from app.command_line.output.run_report import print_summary, report
from app.command_line.output.terminal import print_json
from app.command_line.output.trace_file import check_trace_file, written_trace
from app.command_line.rack_session import COMMAND_TIMEOUT_S, RackSession, found_rack, tell_left_out
from app.command_line.request_progress import wait_until_ended, wait_until_settled
from app.command_line.task_options import task_of
from app.command_line.text_input import prompt_of
from app.core.identifiers import RequestId
from app.core.tasks import Task
from app.rack.commands import Ask, Cancel, Sampling
from app.rack.snapshot import RackSnapshot, RequestSnapshot
from app.words.sentences import fact_text


def execute(arguments: argparse.Namespace) -> int:
    """Run the prompt and print its text, or one JSON object."""
    arguments.prompt = prompt_of(arguments)
    task = task_of(arguments)
    check_trace_file(arguments.trace)
    with found_rack(rack_options(arguments)) as session:
        with shown_progress(session) as progress:
            snapshot, streams = _run_to_the_end(session, arguments, task, progress)
        if note := streams[0].note:
            complain(fact_text(note))
        if arguments.json:
            print_json(report(snapshot, streams))
        else:
            print_summary(snapshot, streams)
    return 0


def _run_to_the_end(
    session: RackSession, arguments: argparse.Namespace, task: Task, progress: Progress
) -> tuple[RackSnapshot, tuple[RequestSnapshot, ...]]:
    snapshot = session.wait_until_holding(arguments.model)
    tell_left_out(snapshot)
    inject_faults(session, snapshot, arguments.fault)
    identifiers = _start(session, arguments, task)
    progress.follow(identifiers)
    with written_trace(session.control, identifiers, arguments.trace):
        try:
            return wait_until_settled(session, identifiers)
        except KeyboardInterrupt:
            _cancel(session, identifiers)
            raise


def _start(session: RackSession, arguments: argparse.Namespace, task: Task) -> list[RequestId]:
    tokens, traced = arguments.tokens, arguments.trace is not None
    futures = [
        session.control.do(Ask(task, tokens, _sampling(arguments, stream), traced=traced))
        for stream in range(arguments.streams)
    ]
    return [future.result(COMMAND_TIMEOUT_S) for future in futures]


def _sampling(arguments: argparse.Namespace, stream: int) -> Sampling:
    """Return a stream's sampling: each stream draws from its own seed."""
    return Sampling(
        arguments.temperature or 0.0,
        arguments.top_p,
        arguments.seed + stream,
        tuple(arguments.stop),
        arguments.alternatives,
    )


def _cancel(session: RackSession, identifiers: list[RequestId]) -> None:
    """Cancel requests and wait until what they did so far is settled."""
    for identifier in identifiers:
        session.control.do(Cancel(identifier)).result(COMMAND_TIMEOUT_S)
    wait_until_ended(session, identifiers, COMMAND_TIMEOUT_S)
