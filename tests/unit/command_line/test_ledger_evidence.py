"""`shardloom ledger verify --evidence`: what somebody sees who has the file and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.__main__ import main
from app.models.library import Library
from app.proof.records.request_text import sha256_of
from app.proof.sharp.classes import RoundingClass
from tests.unit.models.support import write_random
from tests.unit.proof.convicting.support import Work, of_8_bits, worked
from tests.unit.proof.sharp.conftest import own_class

__all__ = ["own_class"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, own_class: RoundingClass) -> Work:
    folder = tmp_path_factory.mktemp("told")
    library = Library(folder / "home")
    written = write_random(folder / "checkpoint", hidden_size=64)
    return worked(library, library.import_folder(written, "tiny"), own_class, cheap=of_8_bits)


@pytest.fixture(scope="module")
def evidence(work: Work) -> bytes:
    return work.convicted(work.looked_at()).content()


def verify(path: Path, *more: str) -> int:
    return main(["ledger", "verify", "--evidence", str(path), *more])


def test_a_stranger_is_told_who_was_wrong_where_and_by_how_much(
    tmp_path: Path, work: Work, evidence: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / sha256_of(evidence)
    path.write_bytes(evidence)
    assert verify(path) == 0
    told = capsys.readouterr().out
    assert "phone-1 was wrong at FusedMatMul layer.1.query_key_value in row" in told
    assert "times what rounding allows" in told
    assert work.key.public_key().public_bytes_raw().hex() in told
    assert told.count("\n") == 1
    assert list(tmp_path.iterdir()) == [path]  # no home, no key, no store was made


def test_programs_are_told_the_same_in_figures(
    tmp_path: Path, evidence: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evidence"
    path.write_bytes(evidence)
    assert verify(path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["convinces"]
    assert (told["phone"], told["stage"], told["reason"]) == ("phone-1", 1, "operator")
    assert told["deviation"] > 4


def test_a_key_must_be_the_ledgers_or_the_phones(
    tmp_path: Path, work: Work, evidence: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evidence"
    path.write_bytes(evidence)
    phone = work.key.public_key().public_bytes_raw().hex()
    assert verify(path, "--key", phone) == 0
    assert verify(path, "--key", work.case.receipt.terms.host_key) == 0
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    assert verify(path, "--key", other) == 1
    assert "neither the ledger nor the phone" in capsys.readouterr().err


def test_what_is_cut_changed_or_not_signed_for_is_one_line_with_status_1(
    tmp_path: Path, work: Work, evidence: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    named, cut = tmp_path / sha256_of(evidence), tmp_path / "cut"
    named.write_bytes(evidence.replace(b'"row"', b'"row" '))
    cut.write_bytes(evidence[:-100])
    found = work.convicted(work.looked_at())
    unsigned = tmp_path / "unsigned"
    unsigned.write_bytes(replace(found, test=replace(found.test, shown=())).content())
    for path, line in (
        (named, "was changed"),
        (cut, "cut short or damaged"),
        (unsigned, "not what phone-1 signed for"),
        (tmp_path / "none", "cannot be read"),
    ):
        assert verify(path) == 1
        told = capsys.readouterr()
        assert line in told.err
        assert (told.out, told.err.count("\n")) == ("", 1)
