"""Architectures that no family builds, exported and cut, against the reference in torch."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import span_shape
from app.models.whole import WholeModel, run_whole
from app.words.sentences import error_text, fact_text
from tests.assignments import blocks
from tests.integration.models.reference import (
    COMMON,
    GATED,
    KINDS,
    Kind,
    chain_of,
    chain_tokens,
    random_model,
    reference_tokens,
    run_chain,
)
from tests.saying import raises_saying
from tests.soak import slice_of
from workers.engine.engine import ShardEngine
from workers.engine.session import open_session, takes_batches

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: nothing can be exported")
pytestmark = pytest.mark.timeout(600)
"""torch alone takes minutes to load and to trace where the machine has little time for it."""
PROMPT = [5, 3, 77, 150, 12]
TOKENS = 16
FALCON = {name: GATED[name] for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 32,
}
EXPORTED = {
    "olmo2": Kind("Olmo2", GATED),
    "falcon": Kind("Falcon", COMMON | FALCON | {"max_position_embeddings": 128}),
    "llama-yarn": Kind("Llama", GATED | {"rope_parameters": YARN}),
    "gpt2-scaled": Kind("GPT2", KINDS["gpt2"].fields | {"scale_attn_by_inverse_layer_idx": True}),
    "bloom": KINDS["bloom"],
}


@dataclass(frozen=True)
class Subject:
    reference: Any
    library: Library
    manifest: ModelManifest
    file: Path


@pytest.fixture(scope="module", params=slice_of(EXPORTED, "falcon", "bloom"))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Export in this process, which has torch loaded already, and import the ONNX file."""
    from app.models.exporting.__main__ import export  # noqa: PLC0415 - needs torch

    folder = tmp_path_factory.mktemp("exported")
    model = random_model(EXPORTED[request.param])
    model.save_pretrained(folder / "c")
    (folder / "onnx").mkdir()
    file = folder / "onnx" / "model.onnx"
    export(folder / "c", file, io.StringIO())
    shutil.copy(folder / "c" / "config.json", file.parent)
    library = Library(folder / "home")
    return Subject(model, library, library.import_folder(file, "m"), file)


def test_the_whole_and_a_shard_a_layer_generate_the_references_tokens(subject: Subject) -> None:
    expected = reference_tokens(subject.reference, PROMPT, TOKENS)
    assert len(set(expected)) > 2
    assert run_whole(subject.manifest, subject.library, PROMPT, TOKENS) == expected
    assert chain_tokens(chain_of(subject.library, subject.manifest), PROMPT, TOKENS) == expected


def test_logits_are_the_references_and_those_of_all_shards_are_the_same(subject: Subject) -> None:
    tokens = np.random.default_rng(0).integers(0, 160, 60).tolist()
    with torch.no_grad():
        expected = subject.reference(torch.tensor([tokens])).logits[0].numpy()
    whole = WholeModel(subject.manifest, subject.library)
    chains = [
        chain_of(subject.library, subject.manifest, edges) for edges in ([0, 2, 3], [0, 1, 2, 3])
    ]
    for start, after in [(0, 30), (30, 50), *((index, index + 1) for index in range(50, 60))]:
        found = whole.step(tokens[start:after], start)
        for chain in chains:
            assert np.array_equal(run_chain(chain, tokens[start:after], start), found)
        difference = np.abs(found - expected[after - 1]).max()
        assert difference <= 1e-4 * np.abs(expected[after - 1]).max()


def test_texts_of_unequal_length_get_the_same_tokens_together_as_alone(subject: Subject) -> None:
    texts = [PROMPT, [9], list(range(30, 50))]
    chain = [span_engine(subject, first, last, len(texts)) for first, last in ((0, 0), (1, 2))]
    generated = []
    for slot, text in enumerate(texts):
        first = int(steps(chain, slot, np.array([text]), 0).argmax())
        generated.append([first])
        for position in range(len(text), len(text) + TOKENS):
            row = np.array([generated[slot][-1:]])
            generated[slot].append(int(steps(chain, slot, row, position).argmax()))
    together = [tokens[:1] for tokens in generated]
    for place in range(TOKENS):
        rows = np.array([tokens[-1:] for tokens in together])
        for engine in chain:
            positions = [len(text) + place for text in texts]
            rows = engine.run_rows(range(len(texts)), positions, rows)
        for tokens, logits in zip(together, rows, strict=True):
            tokens.append(int(logits.argmax()))
    assert together == generated
    graph = subject.library.shard(subject.manifest, blocks(subject.manifest, 0, 0)).graph
    session = open_session(subject.library.store.path(graph.sha256), 1)
    assert takes_batches(session) == (subject.manifest.family != "bloom")


def span_engine(subject: Subject, first: int, last: int, slots: int) -> ShardEngine:
    shard = subject.library.shard(subject.manifest, blocks(subject.manifest, first, last))
    shape = span_shape(subject.manifest, shard, 64, slots)
    return ShardEngine(subject.library.store.path(shard.graph.sha256), shape, 1)


def steps(chain: list[ShardEngine], slot: int, value: Any, position: int) -> Any:  # noqa: ANN401 - arrays
    for engine in chain:
        value = engine.run(slot, position, value)
    return value[0]


def test_quantised_shards_compute_what_the_quantised_whole_does(subject: Subject) -> None:
    with torch.no_grad():
        expected = subject.reference(torch.tensor([PROMPT])).logits[0, -1].numpy()
    for quantization, least in (("q8", 0.98), ("q4", 0.6)):
        manifest = subject.library.import_folder(subject.file, quantization, quantization)
        found = WholeModel(manifest, subject.library).step(PROMPT, 0)
        assert np.array_equal(run_chain(chain_of(subject.library, manifest), PROMPT, 0), found)
        assert np.corrcoef(found, expected)[0, 1] > least


def test_the_computation_graph_has_a_boundary_between_all_blocks(subject: Subject) -> None:
    graph = subject.library.computation_graph(subject.manifest)
    boundaries = [point for point in graph.cut_points if point.is_boundary]
    assert len(boundaries) == subject.manifest.layer_count + 1
    assert {each.value_bytes for each in boundaries} == {subject.manifest.boundary_bytes_per_token}
    for block in subject.manifest.blocks:
        operations = graph.operations_of(block.index)
        assert sum(each.flops_per_token for each in operations) >= block.flops_per_token


def test_a_folder_is_exported_in_a_process_of_its_own_and_once_though_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a window that slides, which only the mask may tell."""
    model = random_model(
        Kind("Exaone4", GATED | {"sliding_window": 9, "layer_types": ["sliding_attention"] * 3})
    )
    model.save_pretrained(tmp_path / "c")
    library, stages = Library(tmp_path / "home"), list[Fact]()

    def import_model() -> ModelManifest:
        stages.clear()
        return library.import_folder(tmp_path / "c", "m", progress=lambda *at: stages.append(at[0]))

    def fail(*_paths: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("app.models.formats.source.OnnxCheckpoint", fail)
        with pytest.raises(KeyboardInterrupt):
            import_model()
    told = {fact_text(stage) for stage in stages}
    assert {"starting torch", "tracing the layers", "comparing with torch"} <= told
    assert library.models() == ()
    manifest = import_model()
    assert Fact("export.starting") not in stages
    assert {Fact("block.layer", layer=2), Fact("block.head")} <= set(stages)
    assert run_whole(manifest, library, PROMPT, TOKENS) == reference_tokens(model, PROMPT, TOKENS)
    assert manifest.family == "exaone4"
    assert not list((tmp_path / "home").rglob("export-*"))


def test_an_import_given_up_ends_the_exporting_process(tmp_path: Path) -> None:
    random_model(KINDS["gpt2"]).save_pretrained(tmp_path / "c")
    configuration = tmp_path / "c" / "config.json"
    configuration.write_text(configuration.read_text().replace("GPT2LMHead", "UnknownLMHead"))

    def give_up(stage: Fact, _done: int, _total: int) -> None:
        if stage == Fact("export.starting"):
            raise KeyboardInterrupt(stage)

    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(KeyboardInterrupt, match=r"export\.starting"):
        Library(tmp_path / "home").import_folder(tmp_path / "c", "m", progress=give_up)
    assert set(psutil.Process().children(recursive=True)) <= before
    assert not list((tmp_path / "home").rglob("export-*"))


class ClosedAfter(io.StringIO):
    """An output whose reader is gone after some lines."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._left = lines
        self.refused = 0

    def write(self, text: str, /) -> int:
        self._left -= 1
        if self._left < 0:
            self.refused += 1
            raise BrokenPipeError
        return super().write(text)


def test_an_exporter_that_nobody_reads_does_not_go_on_with_a_plainer_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.models.exporting import __main__ as exporter  # noqa: PLC0415 - needs torch

    random_model(KINDS["gpt2"]).save_pretrained(tmp_path / "c")
    monkeypatch.setattr(exporter, "_write", lambda *_: None)
    channel = ClosedAfter(2)
    with pytest.raises(BrokenPipeError):
        exporter.export(tmp_path / "c", tmp_path / "model.onnx", channel)
    assert channel.refused == 1


def test_what_the_exporter_says_of_a_folder_it_cannot_read_is_one_line(tmp_path: Path) -> None:
    random_model(KINDS["gpt2"]).save_pretrained(tmp_path / "c")
    configuration = tmp_path / "c" / "config.json"
    text = configuration.read_text().replace("GPT2LMHead", "UnknownLMHead")
    configuration.write_text(text.replace('"gpt2"', '"nobody"'))
    with raises_saying(BadInputError, match="'UnknownLMHeadModel' cannot be exported: ") as raised:
        Library(tmp_path / "home").import_folder(tmp_path / "c", "m")
    assert "\n" not in error_text(raised.value)
