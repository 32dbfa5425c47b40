"""Every reason that a worker gives is in the protocol's table, with its fields, and has words."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import reason_told
from app.core.facts import Fact
from app.words.sentences import workers as words
from workers import errors
from workers.errors import RequestRefusedError
from workers.protocol.codec import encode, read_told
from workers.protocol.reasons import REASONS
from workers.protocol.told import MAXIMUM_FIELDS, Broken, Failed, failure, told_fields

ROOT = Path(__file__).resolve().parents[3]


def _raised() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield where a reason is given, its code and the names of its fields."""
    kinds = {name for name in vars(errors) if name.endswith("Error")}
    kinds |= {"UnreachableError", "FieldError", "BadCommandError"}
    for path in sorted((ROOT / "workers").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in kinds:
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            reason = node.args[-1]
            if isinstance(reason, ast.Attribute):
                continue  # handed on from another error, with its fields
            assert isinstance(reason, ast.Constant), where
            yield where, str(reason.value), _fields_given(node)


def _fields_given(call: ast.Call) -> frozenset[str]:
    names = {each.arg or "" for each in call.keywords}
    if "" in names:  # the ends of a range
        names = names - {""} | {"low", "high"}
    return frozenset(names | {"field"} if getattr(call.func, "id", "") == "FieldError" else names)


def test_what_is_raised_is_what_the_table_says() -> None:
    raised = {code: names for _, code, names in _raised()}
    wrong = [
        where for where, code, names in _raised() if names != frozenset(REASONS.get(code, ("?",)))
    ]
    assert wrong == []
    assert sorted(set(REASONS) - set(raised)) == []


def test_each_has_words_that_use_only_its_fields() -> None:
    assert sorted(words.SENTENCES) == sorted(REASONS)
    for code, template in words.SENTENCES.items():
        assert isinstance(template, str)
        used = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        assert used == set(REASONS[code]), code
        assert len(used) <= MAXIMUM_FIELDS


def test_a_refusal_comes_over_the_wire_as_a_fact() -> None:
    error = RequestRefusedError("slot.unknown", slot=3, slots=2)
    answer = read_told(encode(failure(error), 1))
    told = answer.content  # type: ignore[union-attr] # it was a call's
    assert isinstance(told, Failed)
    assert reason_told(told.reason, told.fields) == Fact("slot.unknown", slot="3", slots="2")
    broken = read_told(encode(Broken(("t",), "A", error.reason, "", told_fields(error))))
    assert isinstance(broken, Broken)
    assert broken.fields == told.fields


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("out of coffee", ()),
        ("slot.unknown", ()),
        ("slot.unknown", (("slot", "3"), ("slots", "2"), ("more", "1"))),
        ("phone.gone", (("phone", "A"), ("reason", "x"))),
        ("", ()),
    ],
)
def test_what_is_not_known_is_the_phones_own_words(
    reason: str, fields: tuple[tuple[str, str], ...]
) -> None:
    assert reason_told(reason, fields) == reason


def test_no_field_can_speak_to_a_terminal() -> None:
    told = reason_told("file.missing", [("file", "\x1b[2Jx\n")])
    assert told == Fact("file.missing", file="[2Jx")
