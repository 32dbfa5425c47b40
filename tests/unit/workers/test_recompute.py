"""Rows put through layers for an audit of another phone: no text's own rows change by that."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np

from tests.saying import raises_telling
from tests.unit.workers.test_kept_rows import SHAPE, SPAN, Worker
from workers.errors import RequestRefusedError
from workers.protocol.commands import Resumption
from workers.protocol.replay_commands import Recompute
from workers.replay_commands import ReplayCommands
from workers.ring.parts import WorkerParts


def recompute(worker: Worker, *tokens: int, has_head: bool = False) -> None:
    """Ask for it as of a span that has the head or has not."""
    parts = SimpleNamespace(spans=worker.spans, transactions=worker.table)
    rows = np.array([tokens], np.int64)
    engine = worker.spans.engine
    engine.shape = replace(SHAPE, has_head=has_head)
    try:
        ReplayCommands(cast(WorkerParts, parts)).recompute(Recompute(SPAN, 0, (rows,)))
    finally:
        engine.shape = SHAPE


def test_who_goes_on_behind_rows_of_a_text_never_goes_on_behind_a_hosts_others() -> None:
    """A host would have it sign for rows that it did not compute from what it signed to have read.

    Convicted of them, an honest phone would lose its stake.
    """
    worker = Worker()
    worker.step(worker.open("first", 0), [1, 2, 3])
    worker.table.close("first", 1)
    recompute(worker, 7, 7, 7)
    again = worker.open("again", 0, Resumption("first", 0, 1, 3))
    assert (again.resumed_from, again.resumed_rows) == ("", 0)


def test_nothing_is_recomputed_on_a_span_of_an_open_text() -> None:
    worker = Worker()
    worker.step(worker.open("first", 0), [1, 2, 3])
    before = worker.holds(0, 3)
    with raises_telling(RequestRefusedError, "still has open"):
        recompute(worker, 7, 7, 7)
    assert (worker.holds(0, 3) == before).all()


def test_spans_that_answer_recompute_nothing() -> None:
    with raises_telling(RequestRefusedError, "at work for a text"):
        recompute(Worker(), 7, has_head=True)
