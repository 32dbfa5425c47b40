"""`shardloom embed`: texts turned into vectors."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from app.command_line.output.run_report import checked_line, ledger_line
from app.command_line.output.terminal import print_fact, print_json, print_line, print_table
from app.command_line.texts import ask_all, one_line, report
from app.core.facts import Fact
from app.core.tasks import Embed
from app.rack.snapshot import RequestSnapshot
from app.words.catalogue import tr

SHOWN_NUMBERS = 6
SHOWN_CHARACTERS = 40


def execute(arguments: argparse.Namespace) -> int:
    """Print how near the texts are to each other, or one JSON object with the vectors."""
    snapshot, requests = ask_all(arguments, Embed)
    if arguments.json:
        print_json(report(snapshot, requests, _answer))
        return 0
    for number, request in enumerate(requests, 1):
        text = one_line(request.prompt, SHOWN_CHARACTERS)
        vector = _shown(request.embedding)
        print_fact(Fact("embed.answer", number=number, text=text, vector=vector))
    if len(requests) > 1:
        _print_cosines(requests)
    print_line(checked_line(requests))
    print_line(ledger_line(requests))
    return 0


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the cosine of the angle between two vectors: 1 is the same direction."""
    product = sum(a * b for a, b in zip(left, right, strict=True))
    return product / max(math.hypot(*left) * math.hypot(*right), 1e-30)


def _answer(request: RequestSnapshot) -> dict[str, object]:
    return {"embedding": list(request.embedding)}


def _shown(vector: Sequence[float]) -> Fact:
    first = " ".join(f"{number:.3f}" for number in vector[:SHOWN_NUMBERS])
    return Fact("embed.vector", count=len(vector), length=math.hypot(*vector), first=first)


def _print_cosines(requests: Sequence[RequestSnapshot]) -> None:
    headings = [tr("cosine"), *(f">[{number}]" for number in range(1, len(requests) + 1))]
    rows = [
        [f"[{number}]", *(f"{cosine(each.embedding, other.embedding):.3f}" for other in requests)]
        for number, each in enumerate(requests, 1)
    ]
    print_table(headings, rows)
