"""What the code tells, and what the tables say of it, held against each other."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from app.core.device import DeviceState
from app.core.errors import BadInputError, DoesNotFitError, reason_of
from app.core.facts import Fact, FieldValue
from app.words.catalogue import Message, message
from app.words.sentences import (
    ADVICE,
    SENTENCES,
    advice,
    error_text,
    fact_text,
    rooms,
    sentence,
)
from app.words.sentences.fields import fill_in
from app.words.sentences.plural import Plural, plural

ROOT = Path(__file__).resolve().parents[3]
CODE = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+"


@dataclass(frozen=True)
class Told:
    """A place in the code that tells something; no fields where it hands on those it got."""

    where: str
    code: str
    fields: frozenset[str] | None


@cache
def _nodes() -> tuple[tuple[Path, ast.AST], ...]:
    """Return each node of the program with where it stands."""
    paths = sorted((ROOT / "app").rglob("*.py"))
    trees = [(path, ast.parse(path.read_text("utf-8"))) for path in paths]
    return tuple((path, node) for path, tree in trees for node in ast.walk(tree))


def _classes() -> set[str]:
    """Return the names of all classes of errors that are defined anywhere in the program."""
    known, before = {"ShardloomError", "Fact"}, 0
    defined = [node for _, node in _nodes() if isinstance(node, ast.ClassDef)]
    while len(known) != before:
        before = len(known)
        for node in defined:
            if known & {getattr(each, "id", "") for each in node.bases}:
                known.add(node.name)
    return known


def _told() -> Iterator[Told]:
    classes = _classes()
    for path, node in _nodes():
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            literals = [
                each.value
                for each in node.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            if name in classes and literals and re.fullmatch(CODE, literals[0]):
                names = [keyword.arg for keyword in node.keywords]
                fields = None if None in names else frozenset(each or "" for each in names)
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield Told(where, literals[0], fields)


def _constants() -> Iterator[str]:
    """Yield every text in the code but the tables': a code may be chosen before it is told."""
    tables, reasons = ROOT / "app" / "words" / "sentences", ROOT / "workers/protocol/reasons.py"
    nodes = [node for path, node in _nodes() if not path.is_relative_to(tables)]
    for node in (*nodes, *ast.walk(ast.parse(reasons.read_text("utf-8")))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _templates(words: Message | Plural) -> tuple[str, ...]:
    return (words.one, words.many) if isinstance(words, Plural) else (words,)


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def _wanted(code: str) -> set[str]:
    words = SENTENCES[code]
    templates = (*_templates(words), ADVICE.get(code, ""))
    counted = {words.by} if isinstance(words, Plural) else set()
    return counted.union(*map(_fields, templates))


def test_whatever_is_told_has_a_sentence() -> None:
    assert [f"{each.where} {each.code}" for each in _told() if each.code not in SENTENCES] == []


def test_a_sentence_uses_only_fields_that_it_is_given() -> None:
    lacking = [
        f"{each.where} {each.code}: {sorted(_wanted(each.code) - each.fields)}"
        for each in _told()
        if each.code in SENTENCES
        and each.fields is not None
        and not _wanted(each.code) <= each.fields
    ]
    assert lacking == []


def test_no_sentence_is_left_that_nobody_tells() -> None:
    assert sorted(set(SENTENCES) - set(_constants())) == []
    assert sorted(set(ADVICE) - set(SENTENCES)) == []


def test_a_code_stands_in_one_table_and_is_a_name() -> None:
    codes = [code for room in rooms() for code in room.SENTENCES]
    assert sorted(codes) == sorted(SENTENCES)
    for code in codes:
        assert re.fullmatch(CODE, code), code


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_is_one_line_with_plain_fields(code: str) -> None:
    for template in (*_templates(SENTENCES[code]), ADVICE.get(code, "")):
        assert "\n" not in template
        for name in _fields(template):
            assert name.isidentifier(), template


def test_amounts_states_and_other_facts_become_words() -> None:
    inner = Fact("assignment.layer_not_held_once", layer=3)
    fields: dict[str, FieldValue] = {
        "size": 12_500_000,
        "time": 0.0041,
        "state": DeviceState.LOST,
        "phones": ("A", "B"),
        "why": inner,
        "share": 0.25,
    }
    template = "{size:bytes}, {time:seconds}, {state}, {phones}, {share:.0%}: {why}"
    assert fill_in(template, fields, sentence) == (
        "12.5 MB, 4.10 ms, lost, A, B, 25%: Layer 3 is not held by exactly one phone."
    )


def test_a_sentence_within_another_brings_one_full_stop() -> None:
    inner = Fact("assignment.layer_not_held_once", layer=3)
    said = sentence(inner)
    for template, told in {
        "No: {why}.": f"No: {said}",
        "{why} Ah.": f"{said} Ah.",
        "{why}": said,
        "No ({why}) at all, {why}; no.": f"No ({said[:-1]}) at all, {said[:-1]}; no.",
    }.items():
        assert fill_in(template, {"why": inner}, sentence) == told
        within = Fact("model_file.unusable", file="m", reason=inner)
        assert fill_in(template, {"why": within}, sentence).count("..") == 0


def test_of_several_sentences_each_is_said_with_what_helps() -> None:
    facts = Fact("phone.hangs_up", phone="A"), Fact("phone.silent")
    told = fill_in("No. {facts:sentences}", {"facts": facts}, sentence, fact_text)
    assert told == f"No. {fact_text(facts[0])} {sentence(facts[1])}"
    assert fact_text(facts[0]) != sentence(facts[0])


def test_what_helps_against_a_reason_helps() -> None:
    reason = Fact("phone.hangs_up", phone="A")
    outer = Fact("virtual_phone.not_started", phone="A", reason=reason)
    assert fact_text(outer) == f"{sentence(outer)} {advice(reason)}"


def test_names_are_joined_by_a_word() -> None:
    names = ("A", "B", "C")
    assert fill_in("{n:or}; {n:and}", {"n": names}, sentence) == "A or B or C; A and B and C"


def test_a_value_is_never_looked_into_and_stays_one_line() -> None:
    fields = {"name": "{0.__class__}\n\x1b[31mX"}
    assert fill_in("<{name}>", fields, sentence) == "<{0.__class__} [31mX>"
    with pytest.raises(KeyError):
        fill_in("{name.real}", {"name": 1}, sentence)


def test_an_error_is_a_code_for_programs_and_a_line_for_people() -> None:
    error = BadInputError("assignment.layer_not_held_once", layer=2)
    assert str(error) == "assignment.layer_not_held_once(layer=2)"
    assert error_text(error) == "Layer 2 is not held by exactly one phone."
    assert reason_of(error) is error.fact
    assert reason_of(FileNotFoundError(2, "No such file or directory")) == (
        "No such file or directory"
    )
    assert DoesNotFitError(error.fact, missing_bytes=7).missing_bytes == 7


def test_the_number_decides_the_form() -> None:
    words = plural("{count} phone", "{count} phones")
    assert (words.one, words.many, words.by) == ("{count} phone", "{count} phones", "count")
    assert message("x") == "x"
