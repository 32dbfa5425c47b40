"""Chats, presets, labels and vectors as a person asks for them, on virtual phones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.__main__ import main
from app.core.conversation import question
from app.core.tasks import Translate
from app.models.chat.presets import PRESETS_FILE, Presets
from app.models.library import Library
from app.models.whole import run_whole
from tests.unit.models.chat.chat_templates import CHATML
from tests.unit.models.families import write_family
from tests.unit.models.support import write_random

ASSETS = Path(__file__).parents[4] / "assets"
TOKENS = 6


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("c")
    talker = write_random(folder / "talker", max_position_embeddings=256)
    (talker / "chat_template.jinja").write_text(CHATML)
    write_family(folder / "mood", "qwen3-classifier")
    write_family(folder / "vectors", "bert")
    home = tmp_path_factory.mktemp("home")
    library = Library(home)
    for name in ("talker", "mood", "vectors"):
        library.import_folder(folder / name, name)
    return home


def shardloom(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Any, str]:
    rack = ["--rack", "virtual:2", "--patience", "3", "--home", str(home)]
    status = main([words[0], words[1], *rack, *words[2:]])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return json.loads(captured.out), captured.err


def test_a_chat_message_is_answered_in_the_models_own_format(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--chat", "--system", "Be brief.", "--prompt", "In the beginning?"]
    outcome, _ = shardloom(home, capsys, "run", "talker", *asked, "--tokens", "6", "--json")
    library = Library(home)
    manifest = library.get("talker")
    template, tokenizer = library.chat_template(manifest), library.tokenizer(manifest)
    assert template is not None
    assert tokenizer is not None
    said = tokenizer.encode_rendered(template.render(question("In the beginning?", "Be brief.")))
    assert outcome["token_ids"] == run_whole(manifest, library, said, TOKENS)
    assert (outcome["task"], outcome["note"]) == ("chat", "")


def test_a_model_that_cannot_chat_translates_by_going_on_with_a_text_and_says_so(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--task", "translate", "--language", "German", "--prompt", "Let there be light."]
    outcome, told = shardloom(home, capsys, "run", "demo", *asked, "--tokens", "6", "--json")
    library = Library(home)
    manifest = library.get("demo")
    tokenizer = library.tokenizer(manifest)
    assert tokenizer is not None
    task = Translate("Let there be light.", "German")
    plain = tokenizer.encode(Presets.read(ASSETS / PRESETS_FILE).plain(task))
    assert outcome["token_ids"] == run_whole(manifest, library, plain, TOKENS)
    assert "no chat template" in outcome["note"]
    assert outcome["note"] in told


def test_texts_are_classified_by_the_models_labels(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("the light shone")
    asked = ["--text", "In the beginning", "--text-file", str(tmp_path / "text"), "--json"]
    outcome, _ = shardloom(home, capsys, "classify", "mood", *asked)
    assert [text["text"] for text in outcome["texts"]] == ["In the beginning", "the light shone"]
    for text in outcome["texts"]:
        assert {each["label"] for each in text["labels"]} == {"bad", "good"}
        scores = [each["score"] for each in text["labels"]]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) == pytest.approx(1)
    assert (outcome["receipts"], outcome["audits"], outcome["slashes"]) == (4, 4, 0)


def test_texts_become_vectors_of_length_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = ["--text", "In the beginning", "--text", "In the beginning", "--text", "façade"]
    outcome, _ = shardloom(home, capsys, "embed", "vectors", *same, "--json")
    first, again, other = (np.array(text["embedding"]) for text in outcome["texts"])
    assert first.shape == (64,)
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["run", "demo", "--chat", "--token-ids", "5"], 2, "--prompt"),
        (["run", "demo", "--system", "x", "--prompt", "y"], 2, "--chat"),
        (["run", "demo", "--task", "translate", "--prompt", "y"], 2, "--language"),
        (
            ["run", "demo", "--task", "summarise", "--language", "x", "--prompt", "y"],
            2,
            "translate",
        ),
        (["classify", "mood"], 2, "--text"),
        (["embed", "vectors", "--text-file", "/nowhere"], 1, "/nowhere"),
    ],
)
def test_options_that_do_not_go_together_are_told_before_a_rack_is_opened(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, told: str
) -> None:
    assert main([*words, "--rack", "no-such-rack", "--home", str(home)]) == status
    captured = capsys.readouterr().err
    assert told in captured
    assert len(captured.strip().splitlines()) == 1


def test_only_what_writes_texts_is_measured_by_predicting_one(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "perplexity", "mood", "--home", str(home)]) == 1
    assert "writes no texts" in capsys.readouterr().err
    assert main(["models", "list", "--json", "--home", str(home)]) == 0
    models = {each["name"]: each for each in json.loads(capsys.readouterr().out)["models"]}
    assert models["mood"]["tasks"] == ["classify"]
    assert models["mood"]["labels"] == ["bad", "good"]
    assert models["vectors"]["tasks"] == ["embed"]
    assert models["talker"]["tasks"] == ["generate", "chat", "summarise", "translate"]
    assert models["demo"]["tasks"] == ["generate", "summarise", "translate"]
