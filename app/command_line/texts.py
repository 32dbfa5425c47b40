"""Texts that are read as a whole, by a classifier or an encoder."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from app.command_line.failures import WrongUsageError
from app.command_line.fault_options import inject_faults
from app.command_line.options import rack_options
from app.command_line.output.progress import shown_progress
from app.command_line.output.run_report import assignment_rows, totals
from app.command_line.rack_session import COMMAND_TIMEOUT_S, RackSession, found_rack, tell_left_out
from app.command_line.request_progress import wait_until_ended, wait_until_settled
from app.command_line.text_input import read_text
from app.core.tasks import Task
from app.rack.commands import Ask, Cancel
from app.rack.snapshot import RackSnapshot, RequestSnapshot

Text = str | tuple[int, ...]
MAXIMUM_TEXTS = 50
"""As many requests as a snapshot shows."""


def ask_all(
    arguments: argparse.Namespace, task: Callable[[Text], Task]
) -> tuple[RackSnapshot, tuple[RequestSnapshot, ...]]:
    """Ask for one task with every text and return the requests once all have settled.

    Raises `BadInputError` for texts that cannot be read or taken.
    """
    texts = _texts(arguments)
    with found_rack(rack_options(arguments)) as session, shown_progress(session):
        snapshot = session.wait_until_holding(arguments.model)
        tell_left_out(snapshot)
        inject_faults(session, snapshot, arguments.fault)
        return _ask(session, [task(text) for text in texts])


def _ask(
    session: RackSession, tasks: Sequence[Task]
) -> tuple[RackSnapshot, tuple[RequestSnapshot, ...]]:
    futures = [session.control.do(Ask(task)) for task in tasks]
    identifiers = [future.result(COMMAND_TIMEOUT_S) for future in futures]
    try:
        return wait_until_settled(session, identifiers)
    except KeyboardInterrupt:
        for identifier in identifiers:
            session.control.do(Cancel(identifier)).result(COMMAND_TIMEOUT_S)
        wait_until_ended(session, identifiers, COMMAND_TIMEOUT_S)
        raise


def report(
    snapshot: RackSnapshot,
    requests: Sequence[RequestSnapshot],
    answer: Callable[[RequestSnapshot], dict[str, object]],
) -> dict[str, object]:
    """Return all answers, ready for JSON: one entry a text, counts over all."""
    return {
        "model": snapshot.model.name if snapshot.model else None,
        "rack": snapshot.rack_name,
        "texts": [
            {
                "text": request.prompt,
                **answer(request),
                "state": request.state.value,
                "verified": request.verified,
                "time_ms": request.time_to_first_token_ms,
                "assignment": assignment_rows(request.assignment),
            }
            for request in requests
        ],
        **totals(requests),
    }


def one_line(text: str, characters: int) -> str:
    """Return the beginning of a text, line breaks as spaces."""
    return " ".join(text.split())[:characters]


def _texts(arguments: argparse.Namespace) -> list[Text]:
    texts: list[Text] = [
        *arguments.text,
        *(read_text(path, arguments.encoding) for path in arguments.text_file),
        *arguments.token_ids,
    ]
    if not 1 <= len(texts) <= MAXIMUM_TEXTS:
        raise WrongUsageError("option.texts_count", most=MAXIMUM_TEXTS)
    return texts
