from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import BadInputError, HashMismatchError
from app.core.facts import Fact
from app.core.identifiers import BlobHash
from app.core.model import BlockKind, ModelManifest
from app.models.library import Library
from app.models.stored_model import StoredModel
from app.models.whole import run_whole
from app.proof.records.request_text import model_content
from app.words.sentences import error_text, fact_text
from tests.assignments import blocks
from tests.saying import raises_saying
from tests.unit.models.support import (
    CONFIGURATION,
    manifests_of,
    random_tensors,
    write_folder,
    write_random,
)
from workers.identity.weight_tree import weight_root


def manifest_path(home: Path, name: str) -> Path:
    return home / "models" / "manifests" / f"{name}.json"


def test_an_imported_model_is_listed_the_same_after_a_restart(tmp_path: Path) -> None:
    imported = Library(tmp_path / "home").import_folder(write_random(tmp_path / "c"), "m", "q8")
    reopened = Library(tmp_path / "home")
    assert manifests_of(reopened) == (imported,)
    assert reopened.get("m") == imported
    assert imported.layer_count == 4
    assert imported.quantization == "q8"
    assert imported.end_tokens == (1,)
    kinds = [block.kind for block in imported.blocks]
    assert kinds == [BlockKind.EMBEDDING, *[BlockKind.LAYER] * 4, BlockKind.HEAD]


def test_an_imported_model_has_the_roots_of_all_its_weight_files(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    model = library.import_folder(write_random(tmp_path / "c"), "m", "q4")
    blobs = model.blobs
    roots = {each.sha256: each.root for each in model.weights_of(blobs)}
    assert roots == {blob.sha256: weight_root(library.store.path(blob.sha256)) for blob in blobs}
    assert not model.rooted_later
    assert library.rooted("m") == model


def as_of_an_older_version(library: Library, home: Path, name: str) -> ModelManifest:
    """Write a model's file as it was when there were no roots."""
    stored = StoredModel.read(manifest_path(home, name))
    older = replace(stored.manifest, weights=())
    replace(stored, manifest=older).write(manifest_path(home, name))
    assert library.get(name) == older
    return older


def test_a_model_of_an_older_version_gets_its_roots_once_and_tells_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    library = Library(home)
    model = library.import_folder(write_random(tmp_path / "c"), "m", "q8")
    older = as_of_an_older_version(library, home, "m")
    with raises_saying(BadInputError, match="no roots"):
        older.weights_of(older.blobs_of(blocks(older, 0, 0)))
    rooted = library.rooted("m")
    assert rooted.rooted_later
    assert set(rooted.weights) == set(model.weights)
    library.store.path(BlobHash(model.weights[0].sha256)).unlink()  # not read again
    assert Library(home).rooted("m") == rooted
    assert model_content(rooted) != model_content(older)


def test_who_holds_a_model_without_roots_still_holds_that_model(tmp_path: Path) -> None:
    home = tmp_path / "home"
    library = Library(home)
    library.import_folder(write_random(tmp_path / "c"), "m")
    older = as_of_an_older_version(library, home, "m")
    before = library.shard(older, blocks(older, 1, 2))
    rooted = library.rooted("m")
    assert (
        library.shard(older, blocks(older, 1, 2))
        == library.shard(rooted, blocks(rooted, 1, 2))
        == before
    )


def test_roots_are_not_taken_of_damaged_weights(tmp_path: Path) -> None:
    home = tmp_path / "home"
    library = Library(home)
    library.import_folder(write_random(tmp_path / "c"), "m")
    older = as_of_an_older_version(library, home, "m")
    path = library.store.path(older.blocks[1].blobs[0].sha256)
    path.write_bytes(bytes(path.stat().st_size))
    with raises_saying(HashMismatchError, match="damaged"):
        library.rooted("m")
    assert library.get("m") == older


def test_progress_counts_every_block(tmp_path: Path) -> None:
    seen: list[tuple[Fact, int, int]] = []
    Library(tmp_path / "home").import_folder(
        write_random(tmp_path / "c"), "m", progress=lambda *step: seen.append(step)
    )
    assert [done for _, done, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert {total for *_, total in seen} == {6}
    assert [fact_text(stage) for stage, *_ in seen][:2] == ["embedding", "layer 1"]


def test_an_unknown_model_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    with raises_saying(BadInputError, match="none yet"):
        library.get("other")
    library.import_folder(write_random(tmp_path / "c"), "m")
    with raises_saying(BadInputError, match="There is no model other; known are: m"):
        library.get("other")


@pytest.mark.parametrize("name", ["", "../m", "a/b", ".hidden", "x" * 65, "a\n"])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    library = Library(tmp_path / "home")
    folder = write_random(tmp_path / "c")
    with raises_saying(BadInputError, match="is not a model name"):
        library.import_folder(folder, name)
    with raises_saying(BadInputError, match="is not a model name"):
        library.get(name)


def test_an_import_that_is_interrupted_leaves_the_library_as_it_was(tmp_path: Path) -> None:
    def interrupt(stage: Fact, _done: int, _total: int) -> None:
        if stage == Fact("block.layer", layer=2):
            raise KeyboardInterrupt

    library = Library(tmp_path / "home")
    before = library.import_folder(write_random(tmp_path / "a"), "m")
    answer = run_whole(before, library, [0, 5, 9], 6)
    other = write_folder(tmp_path / "b", CONFIGURATION, random_tensors(CONFIGURATION, seed=1))
    with pytest.raises(KeyboardInterrupt):
        library.import_folder(other, "m", progress=interrupt)
    assert manifests_of(library) == (before,)
    assert not list(library.store.folder.glob("partial-*"))
    for blob in before.blobs_of(blocks(before, 0, 3)):
        library.store.verify(blob)
    assert run_whole(before, library, [0, 5, 9], 6) == answer
    assert library.import_folder(other, "m") != before
    assert library.problems() == ()


def test_a_failed_import_of_a_new_name_lists_nothing(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    tensors = random_tensors(CONFIGURATION)
    tensors["model.norm.weight"][3] = float("nan")
    with pytest.raises(BadInputError):
        library.import_folder(write_folder(tmp_path / "c", CONFIGURATION, tensors), "m")
    assert library.models() == ()


def without_a_tensor(folder: Path) -> None:
    tensors = random_tensors(CONFIGURATION)
    del tensors["model.layers.2.mlp.up_proj.weight"]
    write_folder(folder, CONFIGURATION, tensors)


def with_a_tensor_of_another_shape(folder: Path) -> None:
    tensors = random_tensors(CONFIGURATION)
    tensors["model.norm.weight"] = tensors["model.norm.weight"][:32].copy()
    write_folder(folder, CONFIGURATION, tensors)


def with_what_is_not_a_number(folder: Path) -> None:
    tensors = random_tensors(CONFIGURATION)
    tensors["model.layers.3.mlp.up_proj.weight"][50, 7] = float("nan")
    write_folder(folder, CONFIGURATION, tensors)


def of_an_unknown_architecture(folder: Path) -> None:
    write_random(folder, architectures=["T5EncoderModel"])


def cut_short(folder: Path) -> None:
    weights = write_random(folder) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def without_a_header(folder: Path) -> None:
    (write_random(folder) / "model.safetensors").write_bytes(b"\xff" * 4000)


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (without_a_tensor, "lacks the tensor model.layers.2.mlp.up_proj.weight"),
        (with_a_tensor_of_another_shape, r"shape \(32,\), expected \(64,\)"),
        (with_what_is_not_a_number, "up_proj.weight holds values that are not finite"),
        (of_an_unknown_architecture, r"Unknown architecture \('T5EncoderModel'\)"),
        (cut_short, "damaged or cut short"),
        (without_a_header, "damaged or cut short"),
    ],
)
def test_an_unusable_checkpoint_is_one_line_and_the_library_stays_as_it_was(
    tmp_path: Path, write: Callable[[Path], None], told: str
) -> None:
    library = Library(tmp_path / "home")
    before = library.import_folder(write_random(tmp_path / "good", num_hidden_layers=1), "m")
    answer = run_whole(before, library, [0, 5, 9], 6)
    write(tmp_path / "bad")
    with raises_saying(BadInputError, match=told) as caught:
        library.import_folder(tmp_path / "bad", "m")
    assert "\n" not in error_text(caught.value)
    assert (manifests_of(library), library.problems()) == ((before,), ())
    assert not list(library.store.folder.glob("partial-*"))
    for blob in before.blobs_of(blocks(before, 0, 0)):
        library.store.verify(blob)
    assert run_whole(before, library, [0, 5, 9], 6) == answer


def test_importing_again_writes_the_same_files(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    folder = write_random(tmp_path / "c")
    first = library.import_folder(folder, "m", "q4")
    files = sorted(library.store.folder.iterdir())
    assert library.import_folder(folder, "m", "q4") == first
    assert sorted(library.store.folder.iterdir()) == files


def test_a_model_file_from_a_newer_version_says_so_and_hides_no_other(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    kept = library.import_folder(write_random(tmp_path / "c"), "kept")
    library.import_folder(write_random(tmp_path / "c"), "newer")
    path = manifest_path(tmp_path / "home", "newer")
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with raises_saying(BadInputError, match="newer version of Shardloom"):
        library.get("newer")
    assert manifests_of(library) == (kept,)
    assert library.problems() == (Fact("model_file.newer", file="newer.json"),)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": 1, "digest": "", "model": {}}',
        '{"format": null}',
    ],
)
def test_a_damaged_model_file_gives_one_clear_line(tmp_path: Path, content: str) -> None:
    library = Library(tmp_path / "home")
    manifest_path(tmp_path / "home", "m").write_text(content)
    with raises_saying(BadInputError, match=r"m\.json") as caught:
        library.get("m")
    assert "\n" not in error_text(caught.value)


def test_a_model_file_cannot_point_outside_the_store(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    library.import_folder(write_random(tmp_path / "c"), "m")
    path = manifest_path(tmp_path / "home", "m")
    model = StoredModel.read(path)
    outside = replace(model.tensors["embedding"], blob=BlobHash("../../../secret"))
    replace(model, tensors={"embedding": outside}).write(path)
    with raises_saying(BadInputError, match="not a SHA-256"):
        library.get("m")


@settings(deadline=None)
@given(data=st.data())
def test_any_damage_to_a_model_file_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    home = tmp_path_factory.getbasetemp() / "damaged-home"
    library = Library(home)
    path = manifest_path(home, "m")
    if not path.exists():
        library.import_folder(write_random(home / "c", num_hidden_layers=1), "m")
        path.with_suffix(".whole").write_bytes(path.read_bytes())
    whole = path.with_suffix(".whole").read_bytes()
    path.write_bytes(whole)
    expected = library.get("m")
    position = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[position] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    found = manifests_of(library)
    assert found == ((expected,) if not library.problems() else ())


def test_a_shard_of_a_model_imported_anew_is_refused(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    folder = write_random(tmp_path / "c")
    old = library.import_folder(folder, "m", "f32")
    library.import_folder(folder, "m", "q4")
    with raises_saying(BadInputError, match="imported anew"):
        library.shard(old, blocks(old, 0, 1))


def test_the_demo_is_imported_once_and_again_when_it_changes_or_is_damaged(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    asset = write_random(tmp_path / "asset")
    demo = library.ensure_demo(asset)
    path = manifest_path(tmp_path / "home", "demo")
    written = path.stat().st_mtime_ns
    assert library.ensure_demo(asset) == demo
    assert path.stat().st_mtime_ns == written
    library.store.path(demo.blocks[2].blobs[0].sha256).unlink()
    assert library.ensure_demo(asset) == demo
    for blob in demo.blobs_of(blocks(demo, 0, 3)):
        library.store.verify(blob)
    path.write_text("{")
    assert library.ensure_demo(asset) == demo
    write_folder(asset, CONFIGURATION, random_tensors(CONFIGURATION, seed=3))
    assert library.ensure_demo(asset) != demo


def test_several_threads_may_import_the_same_model_at_once(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "c")
    with ThreadPoolExecutor(4) as pool:
        libraries = list(pool.map(lambda _: Library(tmp_path / "home"), range(4)))
        imported = list(pool.map(lambda each: each.import_folder(folder, "m"), libraries))
    assert len(set(imported)) == 1
    for blob in imported[0].blobs_of(blocks(imported[0], 0, 3)):
        libraries[0].store.verify(blob)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "c", vocab_size=200)
    with raises_saying(BadInputError, match="do not match"):
        Library(tmp_path / "home").import_folder(folder, "m")


def test_a_model_without_a_tokenizer_has_none(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "c")
    (folder / "tokenizer.json").unlink()
    library = Library(tmp_path / "home")
    assert library.tokenizer(library.import_folder(folder, "m")) is None


def test_the_tokenizer_travels_with_the_model(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    folder = write_random(tmp_path / "c")
    manifest = library.import_folder(folder, "m")
    (folder / "tokenizer.json").write_text("{}")
    found = library.tokenizer(manifest)
    assert found is not None
    assert found.decode(found.encode("the light")) == "the light"
    with raises_saying(BadInputError, match="is not a tokenizer"):
        library.import_folder(folder, "m")


@pytest.mark.parametrize("folder", ["manifests", "unfinished"])
def test_deleting_a_model_leaves_weights_that_another_file_names(
    tmp_path: Path, folder: str
) -> None:
    """Also one that cannot be read here, as of a newer version, or of an import to go on with."""
    home = tmp_path / "home"
    library = Library(home)
    model = library.import_folder(write_random(tmp_path / "c"), "m", "q8")
    kept, *gone = model.blobs
    other = home / "models" / folder / "other.json"
    other.parent.mkdir(exist_ok=True)
    other.write_text(json.dumps({"format": 999, "somewhere": [kept.sha256]}))
    freed = library.delete("m")
    assert library.store.has(kept)
    assert not any(library.store.has(blob) for blob in gone)
    assert freed >= sum(blob.size_bytes for blob in gone)
    assert library.models() == ()
