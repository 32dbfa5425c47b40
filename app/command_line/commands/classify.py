"""`shardloom classify`: texts sorted by a model's labels."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Final

from app.command_line.output.run_report import checked_line, ledger_line
from app.command_line.output.terminal import print_json, print_line, print_table, right, translated
from app.command_line.texts import ask_all, one_line, report
from app.core.tasks import Classify
from app.rack.snapshot import RequestSnapshot
from app.words.catalogue import message

SHOWN_LABELS = 5
SHOWN_CHARACTERS = 60
HEADINGS: Final = (message("text"), message("label"), right(message("score")))


def execute(arguments: argparse.Namespace) -> int:
    """Print each text's labels, the best first, or one JSON object."""
    snapshot, requests = ask_all(arguments, Classify)
    if arguments.json:
        print_json(report(snapshot, requests, _answer))
    else:
        print_table(translated(HEADINGS), [row for request in requests for row in _rows(request)])
        print_line(checked_line(requests))
        print_line(ledger_line(requests))
    return 0


def _answer(request: RequestSnapshot) -> dict[str, object]:
    return {"labels": [asdict(each) for each in request.labels]}


def _rows(request: RequestSnapshot) -> list[list[str]]:
    shown = [one_line(request.prompt, SHOWN_CHARACTERS), *[""] * SHOWN_LABELS]
    return [
        [text, each.label, f"{each.score:.4f}"]
        for text, each in zip(shown, request.labels[:SHOWN_LABELS], strict=False)
    ]
