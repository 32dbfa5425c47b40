"""What verdict an experiment ends with, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import BadInputError
from app.faults.experiments.archive import FOLDER, ExperimentArchive, new_identifier
from app.faults.experiments.outcome import ExperimentRecord
from app.faults.experiments.outcome import ExperimentVerdict as Verdict
from app.faults.kinds import FaultKind
from app.faults.specifications import Catcher
from tests.saying import raises_saying
from tests.unit.faults.experiments.records import (
    ACCOUNT,
    CHEAT,
    HONEST,
    RECORD,
    REQUEST,
    record_with,
)

UNSEEN = replace(CHEAT, caught_by=None, caught_after_s=None)
CASES = [
    (RECORD, Verdict.AS_EXPECTED),
    (record_with(cheats=(UNSEEN,)), Verdict.MISSED),
    (record_with(cheats=(replace(CHEAT, caught_after_s=1e3),)), Verdict.MISSED),
    (record_with(cheats=(replace(CHEAT, caught_by=Catcher.BALANCING),)), Verdict.MISSED),
    (
        record_with(cheats=(replace(UNSEEN, kind=FaultKind.CLOCK_SKEW),)),
        Verdict.AS_EXPECTED,
    ),
    (record_with(requests=(replace(REQUEST, right=False),)), Verdict.DECEIVED),
    (record_with(requests=(replace(REQUEST, state="failed"),)), Verdict.HARM),
    (
        record_with(honest=(replace(HONEST, account=replace(ACCOUNT, stake_lost=1)),)),
        Verdict.HARM,
    ),
    (
        record_with(honest=(replace(HONEST, account=replace(ACCOUNT, state="jailed")),)),
        Verdict.HARM,
    ),
    (replace(RECORD, stopped='["experiment.stopped", []]'), Verdict.STOPPED),
    (replace(RECORD, rounds=()), Verdict.STOPPED),
]


@pytest.mark.parametrize(("record", "verdict"), CASES)
def test_the_worst_that_happened_is_the_verdict(record: ExperimentRecord, verdict: Verdict) -> None:
    assert record.verdict is verdict


def test_tokens_lost_are_those_taken_back_and_those_that_never_came() -> None:
    assert RECORD.faulty[0].tokens_lost == 17
    cut_short = record_with(requests=(replace(REQUEST, state="failed", tokens_settled=10),))
    assert cut_short.faulty[0].tokens_lost == 17 + 14


def test_a_kept_experiment_comes_back_as_it_was_and_the_newest_is_first(tmp_path: Path) -> None:
    archive = ExperimentArchive(tmp_path)
    assert archive.all() == []
    later = replace(RECORD, identifier="20270101-000000-later")
    archive.keep(RECORD)
    archive.keep(later)
    assert archive.all() == [later, RECORD]
    assert archive.read(RECORD.identifier).verdict is Verdict.AS_EXPECTED


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\xff\x00", b'{"identifier": 1}'])
def test_a_damaged_file_is_refused_and_left_out(tmp_path: Path, content: bytes) -> None:
    archive = ExperimentArchive(tmp_path)
    archive.keep(RECORD)
    (tmp_path / FOLDER / f"{RECORD.identifier}.json").write_bytes(content)
    with raises_saying(BadInputError, match="damaged"):
        archive.read(RECORD.identifier)
    assert archive.all() == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "x", "20261201-053735-../liar"])
def test_no_name_leads_out_of_the_archive(tmp_path: Path, name: str) -> None:
    with raises_saying(BadInputError, match="No experiment"):
        ExperimentArchive(tmp_path).read(name)


@pytest.mark.parametrize("name", ["Liar in the middle", "嘘つき", "x" * 200, "../../x"])
def test_whatever_its_name_an_experiment_can_be_found_again(tmp_path: Path, name: str) -> None:
    record = replace(RECORD, identifier=new_identifier(name, RECORD.wall_ms))
    archive = ExperimentArchive(tmp_path)
    archive.keep(record)
    assert archive.read(record.identifier) == record


@pytest.mark.parametrize("kind", [FaultKind.SLOW, FaultKind.TAKEN])
def test_what_shows_in_time_may_go_unnoticed_in_a_short_text_and_not_in_a_long_one(
    kind: FaultKind,
) -> None:
    unseen = replace(CHEAT, kind=kind, caught_by=None, caught_after_s=None)
    assert replace(unseen, stood_s=2.0).as_expected
    assert not replace(unseen, stood_s=100.0).as_expected
    assert replace(unseen, kind=FaultKind.CLOCK_SKEW, stood_s=100.0).as_expected
