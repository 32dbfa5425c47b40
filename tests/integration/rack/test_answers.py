"""Classifiers and encoders on three virtual phones: answers, audits, lies and lost phones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.device import DeviceState
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.core.tasks import Classify, Complete, Embed, Task, TaskKind
from app.faults.catalogue import Fault, FaultKind
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.models.library import Library
from app.placement.problem import Objective
from app.rack.commands import Apply, Ask, ClearFault, Inject, Release, Replan, UseModel
from app.rack.home import Home
from app.rack.service import RackService
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState
from tests.integration.models.reference import KINDS, Kind, random_model
from tests.integration.rack.support import READY, finish, open_virtual_rack, wait_for, wait_until
from tests.saying import raises_saying

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
LABELS = ("sad", "so-so", "glad")
TEXT = tuple(int(token) for token in np.random.default_rng(4).integers(2, 160, 90))
SENTENCE = TEXT[:40]
ENCODER = Kind(
    "ModernBert",
    {
        "vocab_size": 160,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "local_attention": 16,
        "pad_token_id": 0,
    },
)


@dataclass(frozen=True)
class Bench:
    """An open rack and what the reference answers."""

    rack: RackService
    home: Path
    scores: Any
    vector: Any

    def ask(self, task: Task) -> RequestSnapshot:
        return finish(self.rack, self.rack.do(Ask(task)).result(60))

    def serial(self, stage: int) -> Serial:
        applied = self.rack.snapshot().applied
        assert applied is not None
        return applied.serials[stage]

    def heal(self, position: int) -> None:
        """Bring a broken phone back and give every phone layers again."""
        victim = self.rack.snapshot().phones[position]
        self.rack.do(ClearFault(victim.serial)).result(60)
        if victim.state is DeviceState.JAILED:
            self.rack.do(Release(victim.serial)).result(60)
        self.rack.do(Replan(Objective.THROUGHPUT, ())).result(60)
        self.rack.do(Apply()).result(60)
        wait_for(self.rack, uses_every_phone)


def uses_every_phone(snapshot: RackSnapshot, model: str | None = None) -> bool:
    """Say whether a model, or the given one, lies on all phones; older snapshots show another."""
    applied = snapshot.applied
    is_whole = applied is not None and len(applied.stages) == len(snapshot.phones)
    is_asked_for = applied is not None and model in {None, applied.model}
    return is_whole and is_asked_for and snapshot.phase in READY


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("c")
    named = {"id2label": dict(enumerate(LABELS)), "label2id": {}}
    kind = Kind("Qwen2", KINDS["qwen2"].fields | named)
    classifier = random_model(kind, "ForSequenceClassification")
    encoder = random_model(ENCODER, "Model")
    library = Library(home)
    for name, model in (("mood", classifier), ("vectors", encoder)):
        model.save_pretrained(folder / name)
        library.import_folder(folder / name, name)
    with torch.no_grad():
        scores = classifier(torch.tensor([TEXT])).logits.softmax(-1)[0].numpy()
        states = encoder(torch.tensor([SENTENCE])).last_hidden_state.mean(1)
        vector = torch.nn.functional.normalize(states)[0].numpy()
    with open_virtual_rack(home, 3) as opened:
        yield Bench(opened, home, scores, vector)


@pytest.fixture
def mood(bench: Bench) -> Bench:
    use(bench, "mood")
    return bench


@pytest.fixture
def vectors(bench: Bench) -> Bench:
    use(bench, "vectors")
    return bench


def no_phone_holds_a_cache(snapshot: RackSnapshot) -> bool:
    """Say whether every phone's own figures know of no cache; another model's may be going yet."""
    figures = [phone.telemetry for phone in snapshot.phones]
    return all(each is not None and each.kv_bytes == 0 for each in figures)


def use(bench: Bench, name: str) -> None:
    model = bench.rack.snapshot().model
    if model is None or model.name != name:
        bench.rack.do(UseModel(name)).result(60)
        wait_for(bench.rack, lambda snapshot: uses_every_phone(snapshot, name))


def assert_mood(bench: Bench, request: RequestSnapshot) -> None:
    assert request.state is RequestState.SETTLED, request.state_reason
    found = {each.label: each.score for each in request.labels}
    assert [found[label] for label in LABELS] == pytest.approx(bench.scores, abs=1e-5)
    assert request.labels[0].label == LABELS[int(bench.scores.argmax())]
    assert (request.token_ids, request.embedding) == ((), ())


def assert_vector(bench: Bench, request: RequestSnapshot) -> None:
    assert request.state is RequestState.SETTLED, request.state_reason
    assert request.embedding == pytest.approx(bench.vector, abs=1e-5)
    assert np.linalg.norm(request.embedding) == pytest.approx(1, abs=1e-5)
    assert request.labels == ()


def test_a_text_read_in_chunks_gets_the_references_probabilities_and_audits(mood: Bench) -> None:
    request = mood.ask(Classify(TEXT))
    assert_mood(mood, request)
    assert request.kind is TaskKind.CLASSIFY
    assert (request.receipts, request.audits, request.slashes) == (3, 3, 0)
    model = mood.rack.snapshot().model
    assert model is not None
    assert model.tasks == (TaskKind.CLASSIFY,)


def test_a_last_phone_that_lies_about_labels_is_slashed_and_they_are_right(mood: Bench) -> None:
    serial = mood.serial(2)
    position = [phone.serial for phone in mood.rack.snapshot().phones].index(serial)
    mood.rack.do(Inject(Fault(FaultKind.WRONG_OUTPUT, serial))).result(60)
    request = mood.ask(Classify(TEXT))
    assert request.slashes == 1
    assert_mood(mood, request)
    assert mood.rack.snapshot().phones[position].state is DeviceState.JAILED
    mood.heal(position)


def test_a_phone_that_dies_over_a_text_is_replaced(mood: Bench) -> None:
    serial = mood.serial(1)
    position = [phone.serial for phone in mood.rack.snapshot().phones].index(serial)
    mood.rack.do(Inject(Fault(FaultKind.CRASH, serial))).result(60)
    request = mood.ask(Classify(TEXT))
    assert_mood(mood, request)
    assert request.failovers == 1
    mood.heal(position)


def test_a_sentence_gets_the_references_vector_from_phones_without_a_cache(vectors: Bench) -> None:
    request = vectors.ask(Embed(SENTENCE))
    assert_vector(vectors, request)
    assert (request.receipts, request.audits, request.slashes) == (3, 3, 0)
    assert request.assignment is not None
    assert len(request.assignment.stages) == 3
    wait_until(vectors.rack, no_phone_holds_a_cache)


def test_several_sentences_at_once_each_get_their_own_vector(vectors: Bench) -> None:
    texts = [SENTENCE, SENTENCE[:7], SENTENCE[:1], SENTENCE]
    started = [vectors.rack.do(Ask(Embed(text))) for text in texts]
    found = [finish(vectors.rack, each.result(60)) for each in started]
    assert_vector(vectors, found[0])
    assert_vector(vectors, found[3])
    assert len({request.embedding for request in found}) == 3


def test_a_first_phone_that_lies_about_a_sentence_is_slashed_and_the_vector_is_right(
    vectors: Bench,
) -> None:
    serial = vectors.serial(0)
    position = [phone.serial for phone in vectors.rack.snapshot().phones].index(serial)
    vectors.rack.do(Inject(Fault(FaultKind.WRONG_OUTPUT, serial))).result(60)
    request = vectors.ask(Embed(SENTENCE))
    assert request.slashes == 1
    assert_vector(vectors, request)
    assert vectors.rack.snapshot().phones[position].state is DeviceState.JAILED
    vectors.heal(position)


def test_a_phone_that_does_not_sign_is_jailed_and_the_vector_is_checked_whole(
    vectors: Bench,
) -> None:
    serial = vectors.serial(1)
    position = [phone.serial for phone in vectors.rack.snapshot().phones].index(serial)
    vectors.rack.do(Inject(Fault(FaultKind.WITHHELD_RECEIPT, serial))).result(60)
    request = vectors.ask(Embed(SENTENCE))
    assert_vector(vectors, request)
    assert (request.slashes, request.receipts) == (0, 2)
    assert vectors.rack.snapshot().phones[position].state is DeviceState.JAILED
    vectors.heal(position)


def test_what_a_model_cannot_do_is_said_in_one_line(vectors: Bench) -> None:
    long = (5,) * 65
    with raises_saying(BadInputError, match="65 tokens, more than the context of 64"):
        vectors.rack.do(Ask(Embed(long))).result(60)
    with raises_saying(BadInputError, match="turns texts into vectors: it cannot classify"):
        vectors.rack.do(Ask(Classify(TEXT))).result(60)
    with raises_saying(BadInputError, match="cannot generate"):
        vectors.rack.do(Ask(Complete(TEXT[:5]), 4)).result(60)
    with raises_saying(BadInputError, match="no tokenizer"):
        vectors.rack.do(Ask(Embed("a text"))).result(60)


def test_the_ledger_of_all_this_verifies(bench: Bench) -> None:
    home = Home(bench.home)
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    assert report.valid, report.problem
