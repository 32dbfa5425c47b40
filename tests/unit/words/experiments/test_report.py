"""The report of an experiment is one file that needs no other, whatever is in it."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from app.core.identifiers import Serial
from app.faults.experiments.outcome import ExperimentRecord, ExperimentVerdict, Happening
from app.words.catalogue import use_language
from app.words.experiments.comparison import compared_rows
from app.words.experiments.report import report_html
from app.words.experiments.text import summary_lines, told, verdict_word
from tests.unit.faults.experiments.records import CHEAT, RECORD, REQUEST, record_with

NOTHING = record_with(requests=(), stages=(), happenings=(), honest=(), cheats=())
LONG = record_with(
    happenings=tuple(Happening(float(at), "slash", "A", "no json") for at in range(500)),
    requests=(replace(REQUEST, token_times_s=tuple(at / 10 for at in range(400))),),
)
HOSTILE = record_with(
    cheats=(replace(CHEAT, name="<script>alert(1)</script>", serial=Serial('"><img src=x>')),)
)


@pytest.mark.parametrize(
    "record", [RECORD, NOTHING, LONG, HOSTILE, replace(RECORD, rounds=(), stopped="x")]
)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_report_asks_no_network_and_runs_no_script(
    record: ExperimentRecord, language: str
) -> None:
    use_language(language)
    try:
        html = report_html(record)
    finally:
        use_language("en")
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|<script|<img", html.replace("&quot;", ""))
    assert "default-src 'none'" in html
    assert "Liar &amp; &lt;friends&gt;" in html
    for drawn in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        assert not re.search(r"nan|inf", drawn)
        ET.fromstring(drawn)  # noqa: S314 - our own


def test_a_report_shows_the_verdict_the_plots_and_what_happened() -> None:
    html = report_html(RECORD)
    assert verdict_word(ExperimentVerdict.AS_EXPECTED) in html
    assert html.count("<svg") == 2
    assert "Pixel 6a was slashed 100 credits: x." in html
    assert "caught by an audit after 1.50 s and 3 audits" in html


def test_a_summary_says_who_was_caught_and_that_nobody_else_paid() -> None:
    first, cheat, harm, tokens = summary_lines(RECORD)
    assert first.startswith("As expected:")
    assert "100 credits lost" in cheat
    assert harm == "No honest phone lost anything."
    assert tokens.startswith("17 tokens taken back, 0 never came")


def test_two_experiments_are_compared_figure_by_figure() -> None:
    rows = {name: (one, other) for name, one, other in compared_rows(RECORD, NOTHING)}
    assert rows["Faults noticed"] == ("1 / 1", "0 / 0")
    assert rows["Tokens lost"] == ("17", "0")


def test_what_was_kept_by_another_version_is_shown_as_it_is() -> None:
    assert told('["no.such.code", []]').startswith("[") or told('["no.such.code", []]')
    assert told("no json") == "no json"
