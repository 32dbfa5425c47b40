"""A proof of one request: it shows what it says, and nothing of it can be changed unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.errors import ShardloomError
from app.core.identifiers import BlobHash, RequestId, TransactionId
from app.core.model import Blob, ModelManifest
from app.models.store import BlobStore
from app.proof.records.picture_text import PictureText
from app.proof.records.request_text import RequestText, model_content, sha256_of
from app.proof.records.work_record import WorkRecord, WorkStep
from app.rack.home import Home
from app.rack.records.proof_check import check_proof
from app.rack.records.proof_file import make_proof
from app.words.sentences import error_text
from tests.assignments import held, placed
from tests.signing import agreement
from tests.unit.ledger.support import LAYERS, Bench
from workers.identity.answer_leaf import answer_leaf
from workers.identity.checkpoint import LogCheckpoint, cosigned
from workers.identity.transcript import step_leaves
from workers.protocol.sampling_rule import Choice

TOKENIZER = {
    "version": "1.0",
    "added_tokens": [],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": {"a": 1, "b": 2, "c": 3, "?": 0}, "unk_token": "?"},
}
REQUEST = RequestId("0123456789ab")
TEXT, PROMPT, SAID = "a b c", (1, 2, 3), (2, 1)


def leaf(token: int) -> Any:  # noqa: ANN401 - a tensor
    return answer_leaf(Choice(token, -0.5), [Choice(token, -0.5)])


WORK = WorkRecord(
    f"{REQUEST}-1",
    (
        WorkStep(0, PROMPT[:2], wanted=False, answer=None),
        WorkStep(2, PROMPT[2:], wanted=True, answer=leaf(SAID[0])),
        WorkStep(3, SAID[:1], wanted=True, answer=leaf(SAID[1])),
    ),
)


class Proven(Bench):
    """A settled request whose head phones cosigned."""

    def __init__(
        self,
        folder: Path,
        work: WorkRecord = WORK,
        text: str = TEXT,
        pictures: tuple[PictureText, ...] = (),
        signed: WorkRecord = WORK,
    ) -> None:
        super().__init__(folder)
        self.home, self.blobs = Home(folder), BlobStore(folder / "store")
        self.path, self.key_path = self.home.ledger_file, self.home.ledger_key
        self.ledger.close()
        self.open()
        self.register()
        self.signed = signed
        self.settle(work, RequestText(REQUEST, bytes(16), PROMPT, text, pictures=pictures))

    def settle(self, work: WorkRecord, asked: RequestText) -> None:
        ledger, first, stages = self.ledger, 0, []
        model = model_content(self.manifest())
        for content in (asked.content(), model):
            ledger.evidence.put(content)
        for phone, layers in zip(self.phones, LAYERS, strict=True):
            stages.append(held(phone.serial, first, first + layers - 1))
            first += layers
        agreed = replace(agreement(3), request=asked.digest, model=sha256_of(model))
        name = TransactionId(work.transaction)
        assignment = placed("demo", first, tuple(stages))
        terms = ledger.open_transaction(name, REQUEST, assignment, agreed, 1001, 0.0, 64)
        signed = self.signed
        roots = (signed.input_root(3), "a" * 64, "b" * 64, signed.output_root(3))
        for stage, phone in enumerate(self.phones):
            phone.terms[name] = terms
            edge = {"input_root": roots[stage], "output_root": roots[stage + 1]}
            ledger.record_receipt(*phone.receipt(name, stage, steps=3, tokens=4, **edge))
        ledger.deals.note_work(name, ledger.evidence.put(work.content()))
        ledger.settle(name, len(SAID))
        note = ledger.witnesses.head_to_cosign()
        assert note is not None
        head = LogCheckpoint.read(note)
        ledger.witnesses.record_cosigned(
            note, {phone.serial: cosigned(head, phone.key, 1_800_000_000) for phone in self.phones}
        )

    def manifest(self) -> ModelManifest:
        content = json.dumps(TOKENIZER).encode()
        digest = BlobHash(sha256_of(content))
        (self.blobs.folder / digest).write_bytes(content)
        blob = Blob(digest, len(content))
        return ModelManifest("demo", "llama", "f32", 64, 4, 100, 2, 2, 32, None, (), (), blob)

    def proof(self) -> dict[str, Any]:
        return make_proof(self.home, self.blobs, REQUEST)

    def check(self, proof: object) -> Any:  # noqa: ANN401 - a report
        return check_proof(json.dumps(proof).encode(), self.ledger.host_key)


@pytest.fixture
def proven(tmp_path: Path) -> Proven:
    return Proven(tmp_path)


def test_a_user_is_shown_what_was_asked_answered_and_signed_for(proven: Proven) -> None:
    report = proven.check(proven.proof())
    assert (report.request, report.text, report.prompt_tokens) == (REQUEST, TEXT, 3)
    assert (report.text_became_tokens, report.answer) == (True, "b a")
    assert report.answer_tokens == SAID
    assert report.phones == ("phone-0", "phone-1", "phone-2")
    assert report.witnesses == 3


def changed_entry(change: Callable[[dict[str, Any]], None], kind: str) -> Any:  # noqa: ANN401
    def apply(proof: dict[str, Any]) -> None:
        change(next(entry for entry in proof["entries"] if entry["kind"] == kind))

    return apply


def without_entries(kind: str) -> Any:  # noqa: ANN401
    def apply(proof: dict[str, Any]) -> None:
        proof["entries"] = [each for each in proof["entries"] if each["kind"] != kind]

    return apply


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda proof: proof.update(type="other"), "no proof of this version"),
        (lambda proof: proof.pop("note"), "Field 'note'"),
        (lambda proof: proof.update(lines=[]), "needs a signature each"),
        (lambda proof: proof["lines"][0].update(serial="phone-9"), "not cosigned with a key"),
        (lambda proof: proof["lines"].append(proof["lines"][0]), "needs a signature each"),
        (lambda proof: proof.update(tokenizer="AAAA"), "field 'tokenizer'"),
        (lambda proof: proof.update(works=[]), "lacks what was read"),
        (lambda proof: proof.update(entries=[]), "not cosigned with a key"),
        (without_entries("settled"), "no answer"),
        (without_entries("receipt"), "Not every phone's receipt"),
        (without_entries("phone-registered"), "not cosigned with a key"),
        (changed_entry(lambda entry: entry.update(wall_ms=1), "settled"), "does not lie under"),
        (changed_entry(lambda entry: entry["proof"].pop(), "receipt"), "does not lie under"),
        (changed_entry(lambda entry: entry["proof"].append("z"), "receipt"), "is damaged"),
        (changed_entry(lambda entry: entry.update(sequence=1 << 70), "receipt"), "'sequence'"),
        (
            changed_entry(lambda entry: entry.update(sequence=(1 << 53) - 1), "receipt"),
            "does not lie under",
        ),
        (lambda proof: proof.update(works=["[]"]), "not a JSON object"),
        (lambda proof: proof.update(works=['{"type":"a"}']), "field 'steps'"),
        (
            lambda proof: proof.update(request=proof["request"].replace("a b c", "a b b")),
            "about other work",
        ),
        (
            lambda proof: proof.update(model=proof["model"].replace('"demo"', '"mine"')),
            "about other work",
        ),
    ],
)
def test_what_was_cut_or_changed_is_told_in_one_line(
    proven: Proven, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    proof = proven.proof()
    change(proof)
    with pytest.raises(ShardloomError) as caught:
        proven.check(proof)
    line = error_text(caught.value)
    assert said in line
    assert "\n" not in line


def test_another_ledgers_key_is_not_convinced(proven: Proven) -> None:
    with pytest.raises(ShardloomError) as caught:
        check_proof(json.dumps(proven.proof()).encode(), bytes(32))
    assert "another ledger" in error_text(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"type": 1}', b"[" * 9000])
def test_what_is_no_proof_is_told_in_one_line(proven: Proven, content: bytes) -> None:
    with pytest.raises(ShardloomError):
        check_proof(content, proven.ledger.host_key)


def told_otherwise() -> WorkRecord:
    return replace(WORK, steps=(*WORK.steps[:2], replace(WORK.steps[2], answer=leaf(3))))


def test_a_host_that_tells_another_answer_than_was_signed_for_is_found(tmp_path: Path) -> None:
    lying = Proven(tmp_path, told_otherwise())
    with pytest.raises(ShardloomError) as caught:
        lying.check(lying.proof())
    assert "signed for other tokens" in error_text(caught.value)


def test_a_host_that_tells_another_prompt_than_was_read_is_found(tmp_path: Path) -> None:
    lying = Proven(tmp_path, text="a b b")
    with pytest.raises(ShardloomError) as caught:
        lying.check(lying.proof())
    assert "does not become the tokens" in error_text(caught.value)


def test_before_a_phone_signed_a_head_there_is_no_proof(proven: Proven) -> None:
    with pytest.raises(ShardloomError) as caught:
        make_proof(proven.home, proven.blobs, RequestId("ba9876543210"))
    assert "nothing that was settled" in error_text(caught.value)


PIXELS = np.arange(2 * 5_000, dtype=np.uint8).reshape(1, 2, 5_000)
OTHERS: NDArray[np.uint8] = np.bitwise_xor(PIXELS, np.uint8(1))


def seeing(pixels: NDArray[np.uint8]) -> WorkRecord:
    """Return a record in which the first two tokens stood for these pixels."""
    leaves = tuple(each.hex() for each in step_leaves(pixels, 0))
    first, *others = WORK.steps
    return replace(WORK, steps=(replace(first, leaves=leaves), *others))


def told(pixels: NDArray[np.uint8]) -> tuple[PictureText, ...]:
    return (PictureText.of(b"a file", [(0, pixels)]),)


def test_pictures_are_proven_to_have_been_read_as_the_request_names_them(tmp_path: Path) -> None:
    work = seeing(PIXELS)
    assert WorkRecord.read(work.content()).content() == work.content()
    proven = Proven(tmp_path, work, pictures=told(PIXELS), signed=work)
    assert proven.check(proven.proof()).answer_tokens == SAID


@pytest.mark.parametrize(
    ("work", "pictures"),
    [
        (seeing(OTHERS), told(PIXELS)),
        (WORK, told(PIXELS)),
        (seeing(PIXELS), ()),
        (seeing(PIXELS), (*told(PIXELS), PictureText.of(b"more", [(2, PIXELS)]))),
    ],
)
def test_other_pictures_than_the_request_names_are_told(
    tmp_path: Path, work: WorkRecord, pictures: tuple[PictureText, ...]
) -> None:
    proven = Proven(tmp_path, work, pictures=pictures, signed=work)
    with pytest.raises(ShardloomError) as told:
        proven.check(proven.proof())
    assert "are not those of the request" in error_text(told.value)


def test_a_requests_pictures_are_read_back_as_they_were_written() -> None:
    asked = RequestText(REQUEST, bytes(16), PROMPT, TEXT, pictures=told(PIXELS))
    assert RequestText.read(asked.content()) == asked
    plain = replace(asked, pictures=())
    assert b"pictures" not in plain.content()
    assert plain.digest != asked.digest
