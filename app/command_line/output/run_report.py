"""What is said of finished requests: one JSON object, or text with a summary block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from app.command_line.output.naming import phone_name
from app.command_line.output.terminal import print_fact, print_line
from app.core.assignment import Assignment
from app.core.audit_outcome import ChecksSnapshot
from app.core.facts import Fact, FieldValue
from app.core.tasks import TaskKind
from app.core.units import format_rate
from app.pipeline.opening_stages.lookup import LookupCounts
from app.rack.settlement.certainty import certainty, checked_by
from app.rack.snapshot import LayerMove, RackSnapshot, RequestSnapshot
from app.words.layer_map import holders_text, move_fact
from app.words.sentences import reason_text, sentence

COUNTS = {
    "receipts": "report.receipts",
    "audits": "report.audits",
    "slashes": "report.slashes",
    "failovers": "report.failovers",
}
"""Counts of `RequestSnapshot`, and what is said of each."""
CHECKED = ("verified_tokens", "checked_tokens", "audited_stages", "stages")
"""Counts of `RequestSnapshot` that tell how much was checked."""


def assignment_rows(assignment: Assignment | None) -> list[dict[str, object]]:
    """Return the stages in ring order, ready for JSON."""
    return [
        {
            "serial": stage.serial,
            "chain": stage.span.chain.value,
            "first_layer": stage.first_layer,
            "last_layer": stage.last_layer,
        }
        for stage in (assignment.stages if assignment else ())
    ]


def stream_report(request: RequestSnapshot) -> dict[str, object]:
    """Return one request's outcome, ready for JSON."""
    return {
        "task": request.kind.value,
        "note": reason_text(request.note),
        "note_code": request.note and request.note.code,
        "token_ids": list(request.token_ids),
        "log_probabilities": [choices.log_probability for choices in request.choices],
        "alternatives": [
            [asdict(alternative) for alternative in choices.alternatives]
            for choices in request.choices
            if choices.alternatives
        ],
        "text": request.text,
        "state": request.state.value,
        "tokens_per_second": request.tokens_per_second,
        "time_to_first_token_ms": request.time_to_first_token_ms,
        "reused_tokens": request.reused_tokens,
        "lookup": lookup_report(request.lookup),
        "assignment": assignment_rows(request.assignment),
        **totals([request]),
    }


def lookup_report(counts: LookupCounts) -> dict[str, object]:
    """Return what drafts came to, ready for JSON."""
    return {**asdict(counts), "tokens_per_round": counts.tokens_per_round}


def report(snapshot: RackSnapshot, requests: tuple[RequestSnapshot, ...]) -> dict[str, object]:
    """Return the whole run, ready for JSON: the first stream's outcome and totals over all.

    With several streams, `tokens_per_second` is the sum of theirs and `streams` lists each.
    """
    outcome = stream_report(requests[0])
    outcome["model"] = snapshot.model.name if snapshot.model else None
    outcome["rack"] = snapshot.rack_name
    outcome["balancing"] = snapshot.balancing.mode.value
    outcome["checks"] = checks_report(snapshot.checks)
    outcome["moves"] = [move_report(move) for move in snapshot.balancing.moves]
    if len(requests) > 1:
        outcome["tokens_per_second"] = sum(request.tokens_per_second or 0 for request in requests)
        outcome |= totals(requests)
        outcome["streams"] = [stream_report(request) for request in requests]
    return outcome


def move_report(move: LayerMove) -> dict[str, object]:
    """Return why layers moved by themselves and what it brought, ready for JSON."""
    return {
        "causes": [asdict(cause) for cause in move.causes],
        "before": assignment_rows(move.before),
        "after": assignment_rows(move.after),
        "promised_gain": move.promised_gain,
        "push_bytes": move.push_bytes,
        "tokens_per_second_before": move.rate_before,
        "tokens_per_second_after": move.rate_after,
        "stall_s": move.stall_s,
    }


def checks_report(checks: ChecksSnapshot) -> dict[str, object]:
    """Return how answers are checked, ready for JSON."""
    return {
        "audit_rate": checks.audit_rate,
        "least_safe_audit_rate": checks.least_safe_rate,
        "check_everything": checks.mode.value,
        "check_share": checks.cost_share,
        "verifiers": checks.verifiers,
    }


def print_summary(snapshot: RackSnapshot, requests: tuple[RequestSnapshot, ...]) -> None:
    """Print each text, then one block of figures."""
    for number, request in enumerate(requests, 1):
        heading = f"[{number}] " if len(requests) > 1 else ""
        before = request.prompt if request.kind is TaskKind.GENERATE else ""
        print_line(heading + before + request.text)
    print_line("")
    for request in requests:
        print_fact(Fact("report.generated", figures=_figures(request)))
    if requests[0].assignment:
        phones = assignment_text(snapshot, requests[0].assignment)
        print_fact(Fact("report.phones", phones=phones))
    for move in snapshot.balancing.moves:
        names = {cause.serial: phone_name(snapshot, cause.serial) for cause in move.causes}
        print_fact(Fact("report.moved", move=move_fact(move, names)))
    print_line(checked_line(requests))
    print_line(checks_line(snapshot.checks))
    print_line(ledger_line(requests))


def totals(requests: Sequence[RequestSnapshot]) -> dict[str, object]:
    """Return every count over all requests, how they were checked and what that took."""
    return {
        **_sums(requests, (*COUNTS, *CHECKED)),
        "checked_by": checked_by(requests).value,
        "check_s": sum(each.check_s for each in requests),
        "text_s": sum(each.text_s for each in requests),
    }


def _sums(requests: Sequence[RequestSnapshot], names: Iterable[str]) -> dict[str, int]:
    return {name: sum(getattr(each, name) for each in requests) for name in names}


def checked_line(requests: Sequence[RequestSnapshot]) -> str:
    """Return in words how sure all the answers are."""
    return sentence(Fact("report.checked", certainty=certainty(requests)))


def checks_line(checks: ChecksSnapshot) -> str:
    """Return how many receipts are audited, and how few would be too few."""
    rate, least = checks.audit_rate, checks.least_safe_rate
    if least is None:
        return sentence(Fact("report.audit_rate", rate=rate))
    return sentence(Fact("report.audit_rates", rate=rate, least=least))


def ledger_line(requests: Sequence[RequestSnapshot]) -> str:
    """Return what the ledger got, in words."""
    sums = _sums(requests, COUNTS)
    counts = tuple(Fact(code, count=sums[name]) for name, code in COUNTS.items())
    return sentence(Fact("report.ledger", counts=counts))


def _figures(request: RequestSnapshot) -> tuple[FieldValue, ...]:
    figures: list[FieldValue] = [Fact("report.tokens", count=len(request.token_ids))]
    if request.tokens_per_second is not None:
        figures.append(format_rate(request.tokens_per_second))
    if request.time_to_first_token_ms is not None:
        time_s = request.time_to_first_token_ms / 1000
        figures.append(Fact("report.first_token", time=time_s))
    if request.reused_tokens:
        figures.append(Fact("report.reused", count=request.reused_tokens))
    return tuple(figures)


def assignment_text(snapshot: RackSnapshot, assignment: Assignment) -> str:
    """Return who holds which layers."""
    names = {serial: phone_name(snapshot, serial) for serial in assignment.serials}
    return holders_text(assignment, names)
