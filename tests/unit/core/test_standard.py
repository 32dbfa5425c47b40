"""docs/inference-engine-standard.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.core.standard.rules import RULES_OF, STANDARD_VERSION, RuleName, WorkNeed, kept_from
from app.models.quantization.block_wise import Quantization
from app.proof import rounding, tolerance
from app.proof.sharp.classes import REPRODUCED_WITHIN, Rounding
from app.proof.sharp.graph import EXPERTS
from app.proof.sharp.operators import COVERED
from app.rack.settlement.conformance.rules import CHECKS
from app.words.phones.standard import rule_text
from workers.protocol import codec
from workers.protocol.boundary import Boundary
from workers.protocol.span_shape import CacheType

PAGE = Path(__file__).resolve().parents[3] / "docs" / "inference-engine-standard.md"
TEXT = PAGE.read_text("utf-8")


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    found = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[2:]]


def quoted(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


def test_the_page_is_of_the_version_in_force() -> None:
    assert TEXT.startswith(f"# The Inference Engine Standard, version {STANDARD_VERSION}\n")


def test_each_rule_stands_in_its_table_in_order() -> None:
    told = [(name.strip("`"), need, asked) for name, need, asked, _ in rows("Rules")]
    rules = RULES_OF[STANDARD_VERSION]
    assert told == [(each.name, each.need, ", ".join(each.messages)) for each in rules]


def test_each_rule_is_tried_named_and_asked_with_messages_that_there_are() -> None:
    names = [rule.name for rule in RULES_OF[STANDARD_VERSION]]
    assert names == list(CHECKS) == list(RuleName)
    assert all(rule_text(name) for name in names)
    kinds = {command.kind for command in codec.COMMANDS} | {"step"}
    assert kinds.issuperset(kind for rule in RULES_OF[1] for kind in rule.messages)


def test_the_operators_are_those_that_are_computed_again() -> None:
    listed = section("Operators").partition("computes each again:")[2].partition("Beside them")[0]
    assert quoted(listed) == COVERED - {EXPERTS}


def test_the_forms_are_those_of_the_code() -> None:
    told = {name: quoted(forms) for name, forms in rows("Forms")}
    assert told["boundary"] == set(Boundary)
    assert told["attention cache"] == set(CacheType)
    assert told["weights"] == set(Quantization)
    words = told["rounding of activations, told by the canary"]
    assert words == {each.value for each in Rounding}


@pytest.mark.parametrize(
    ("row", "figures"),
    [
        (1, (tolerance.RELATIVE_TOLERANCE, tolerance.ABSOLUTE_TOLERANCE)),
        (2, (tolerance.FLOAT16_TOLERANCE,)),
        (3, (tolerance.ANSWER_TOLERANCE,)),
        (4, (rounding.PASSES_UP_TO, rounding.WRONG_ABOVE, rounding.ROW_WRONG_ABOVE)),
        (5, (REPRODUCED_WITHIN,)),
    ],
)
def test_the_tolerances_are_those_of_the_code(row: int, figures: tuple[float, ...]) -> None:
    said = re.findall(r"[0-9.]+(?:e-\d+)?", rows("Tolerances")[row][2])
    assert [float(each) for each in said] == list(figures)


def test_a_broken_rule_keeps_a_phone_from_what_needs_it_alone() -> None:
    broken = {RuleName.ANSWER.value, RuleName.ECHO.value}
    assert kept_from(1, broken, WorkNeed.LAYERS) == ("echo",)
    assert kept_from(1, broken, WorkNeed.ENDS) == ("answer",)
    assert kept_from(0, broken, WorkNeed.LAYERS) == ()
