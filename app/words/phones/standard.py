"""What is said of the rules of the Inference Engine Standard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.facts import Fact
from app.core.standard.rules import Conformance, RuleName, RuleOutcome
from app.words.catalogue import Message, message, tr
from app.words.sentences import sentence

_RULES: Final[Mapping[RuleName, Message]] = {
    RuleName.IDENTITY: message("greets with the key and class that it is registered with"),
    RuleName.ECHO: message("sends as many bytes as are asked for"),
    RuleName.SPEED: message("measures itself"),
    RuleName.ROUNDING: message("multiplies as its class is named by"),
    RuleName.CACHE: message("loads spans and keeps their cache whole"),
    RuleName.ROWS_F4: message("computes rows that come as float32"),
    RuleName.ROWS_F2: message("computes rows that come as float16"),
    RuleName.ANSWER: message("commits to each token with its figures"),
    RuleName.STEERING: message("chooses a token as it is told"),
    RuleName.TRANSCRIPT: message("shows its inputs as they came"),
    RuleName.RECEIPT: message("signs for what it did"),
    RuleName.KEPT_ROWS: message("goes on with rows that it kept"),
    RuleName.REFUSES_FILES: message("refuses files that are not there"),
    RuleName.REFUSES_WORK: message("refuses spans, names and slots that are not free"),
    RuleName.REFUSES_ROWS: message("refuses tokens and rows that nobody can use"),
}


def rule_text(name: RuleName) -> str:
    """Return what a phone does that keeps a rule."""
    return tr(_RULES[name])


def conformance_text(found: Conformance) -> str:
    """Return each rule in a line of its own, and a line about all of them."""
    rules = tuple(each.name.value for each in found.broken)
    code = "standard.broken" if rules else "standard.kept"
    summary = Fact(code, phone=found.serial, version=found.version, rules=rules)
    return "\n".join((*map(_line, found.outcomes), "", sentence(summary)))


def _line(outcome: RuleOutcome) -> str:
    rule = rule_text(outcome.name)
    if outcome.reason is None:
        return sentence(Fact("standard.holds", rule=rule))
    return sentence(Fact("standard.fails", rule=rule, reason=outcome.reason))
