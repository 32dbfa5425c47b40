"""An experiment's report: one HTML file with everything in it, which asks no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from app.core.units import format_duration
from app.faults.experiments.outcome import ExperimentRecord, ExperimentVerdict, Round
from app.words.catalogue import language_used, tr
from app.words.experiments.plots import stages_plot, tokens_plot
from app.words.experiments.text import (
    caught_text,
    cost_text,
    expected_text,
    harm_line,
    plan_line,
    reputation_text,
    right_word,
    round_word,
    tokens_line,
    told,
    verdict_sentence,
    verdict_word,
    when_text,
)
from app.words.faults import injected_fault

STYLE: Final = """
:root { color-scheme: light dark; --ground: #f7f8fa; --raised: #fff; --line: #d4d9e0;
  --text: #1b1f24; --muted: #57606a; --good: #18794e; --warn: #8a5a00; --bad: #c62828;
  --slashed: #7b2fbf; --accent: #0a5cc4; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --raised: #1c2128;
  --line: #323943; --text: #e6e9ee; --muted: #9aa4b2; --good: #57c27a; --warn: #e3a53a;
  --bad: #ff6b6b; --slashed: #d58bff; --accent: #6cb6ff; } }
body { background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 940px; padding: 28px 20px 60px;
  font-variant-numeric: tabular-nums; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 34px 0 8px; }
p.muted, td.muted, figcaption { color: var(--muted); }
.verdict { background: var(--raised); border: 1px solid var(--line); border-left: 6px solid
  var(--mark); border-radius: 8px; padding: 12px 18px; margin: 18px 0; }
.verdict b { color: var(--mark); font-size: 20px; display: block; }
.as-expected { --mark: var(--good); } .missed { --mark: var(--warn); }
.harm, .deceived { --mark: var(--bad); } .stopped { --mark: var(--muted); }
table { border-collapse: collapse; width: 100%; background: var(--raised); }
th, td { border: 1px solid var(--line); padding: 5px 10px; text-align: left;
  vertical-align: top; } th { color: var(--muted); font-weight: 600; }
figure { margin: 12px 0; } svg { width: 100%; height: auto; background: var(--raised);
  border: 1px solid var(--line); border-radius: 8px; }
svg text { fill: var(--muted); font-size: 11px; } .axis { stroke: var(--muted); fill: none; }
.grid { stroke: var(--line); } .mark { stroke-width: 1.5; stroke-dasharray: 2 3;
  stroke: var(--warn); } .mark.slash { stroke: var(--slashed); }
.mark.failover, .mark.audit-failed { stroke: var(--bad); } .mark.move { stroke: var(--accent); }
.legend span { margin-right: 18px; } .legend i { display: inline-block; width: 12px;
  height: 4px; border-radius: 2px; margin-right: 6px; vertical-align: middle; }
"""
_HEAD: Final = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head><body>
"""


def report_html(record: ExperimentRecord) -> str:
    """Return the whole file."""
    control = next((each for each in record.rounds if each.number == 0), None)
    parts = [
        _HEAD.format(language=language_used(), title=escape(record.experiment.name), style=STYLE),
        _opening(record),
        *(_round(each, control, record.experiment.repeat) for each in record.faulty),
        "</body></html>\n",
    ]
    return "".join(parts)


def _opening(record: ExperimentRecord) -> str:
    experiment, verdict = record.experiment, record.verdict
    where = f"{when_text(record)} · {record.rack} · {record.model} · {record.identifier}"
    lines = [f"<h1>{escape(experiment.name)}</h1>", _muted(where), _muted(plan_line(experiment))]
    lines.append(_verdict(verdict, verdict_sentence(record)))
    if record.faulty:
        lines.append(f"<p>{escape(harm_line(record))}</p>")
    return "".join(lines)


def _verdict(verdict: ExperimentVerdict, sentence: str) -> str:
    word = escape(verdict_word(verdict))
    return f'<div class="verdict {verdict.value}"><b>{word}</b>{escape(sentence)}</div>'


def _round(one: Round, control: Round | None, repeat: int) -> str:
    heading = round_word(one.number, repeat)
    names: dict[str, str] = {each.serial: each.name for each in one.cheats}
    names |= {each.serial: each.name for each in one.honest}
    headings = (tr("Phone"), tr("Fault"), tr("Noticed"), tr("Expected"), tr("Account"))
    cheats = [
        (
            each.name,
            injected_fault(each.fault),
            caught_text(each),
            expected_text(each),
            cost_text(each.account),
        )
        for each in one.cheats
    ]
    return "".join(
        (
            f"<h2>{escape(heading[:1].upper() + heading[1:])}</h2>",
            f"<p>{escape(tokens_line(one))}</p>",
            _table(headings, cheats),
            _heading(tr("Tokens over time")),
            tokens_plot(one, control),
            _heading(tr("Time of each stage")),
            stages_plot(one, names),
            _requests(one),
            _honest(one),
            _happenings(one, names),
        )
    )


def _requests(one: Round) -> str:
    rows = [
        (
            each.identifier,
            f"{each.tokens_settled} / {each.tokens_wanted}",
            str(each.taken_back),
            str(each.failovers),
            str(each.audits),
            format_duration(each.took_s),
            right_word(each),
        )
        for each in one.requests
    ]
    headings = (
        tr("Text"),
        tr("Tokens"),
        tr("Taken back"),
        tr("Failovers"),
        tr("Audits"),
        tr("Time"),
        tr("Compared"),
    )
    return _heading(tr("Texts")) + _table(headings, rows)


def _honest(one: Round) -> str:
    rows = [
        (
            each.name,
            cost_text(each.account),
            reputation_text(each.account),
            tr("lost something") if each.harmed else tr("unharmed"),
        )
        for each in one.honest
    ]
    headings = (tr("Phone"), tr("Account"), tr("Reputation"), tr("Harm"))
    return _heading(tr("Honest phones")) + _table(headings, rows)


def _happenings(one: Round, names: dict[str, str]) -> str:
    rows = [
        (f"{each.at_s:.1f} s", names.get(each.serial, each.serial), told(each.fact))
        for each in one.happenings
    ]
    headings = (tr("Time"), tr("Phone"), tr("What happened"))
    return _heading(tr("What happened")) + _table(headings, rows)


def _table(headings: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _heading(text: str) -> str:
    return f"<h3>{escape(text)}</h3>"


def _muted(text: str) -> str:
    return f'<p class="muted">{escape(text)}</p>'
