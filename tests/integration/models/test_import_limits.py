"""What an import may use and what it leaves behind: memory, disk, work done before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.whole import run_whole
from app.words.sentences import error_text
from tests.assignments import blocks
from tests.saying import raises_saying

ROOT = Path(__file__).parents[3]
LAYERS = 10
MEASURE = """
import re, sys
from pathlib import Path
from app.models.library import Library

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

before = peak()
Library(Path(sys.argv[1])).import_folder(Path(sys.argv[2]), "m", sys.argv[3])
print(before, peak())
"""
FILL_THE_DISK = """
import resource, sys
from pathlib import Path
from app.__main__ import main

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
sys.exit(main(["models", "import", sys.argv[2], "--name", "m", "--home", sys.argv[1]]))
"""


def write_checkpoint(
    folder: Path, hidden: int = 32, inner: int = 32, layers: int = 3, vocabulary: int = 50
) -> Path:
    configuration = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "vocab_size": vocabulary,
        "max_position_embeddings": 32,
    }
    layer = {f"self_attn.{part}_proj": (hidden, hidden) for part in "qkvo"}
    layer |= {f"mlp.{part}_proj": (inner, hidden) for part in ("gate", "up")}
    layer |= {"mlp.down_proj": (hidden, inner)}
    shapes: dict[str, tuple[int, ...]] = {
        f"model.layers.{index}.{name}": shape
        for index in range(layers)
        for name, shape in {
            **layer,
            "input_layernorm": (hidden,),
            "post_attention_layernorm": (hidden,),
        }.items()
    }
    shapes |= {"model.embed_tokens": (vocabulary, hidden), "model.norm": (hidden,)}
    shapes |= {"lm_head": (vocabulary, hidden)}
    generator = np.random.default_rng(0)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(configuration))
    tensors = {
        f"{name}.weight": generator.random(shape, dtype=np.float32)
        for name, shape in shapes.items()
    }
    save_file(tensors, folder / "model.safetensors")
    return folder


def run_script(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of 310 MB, whose layers are 30 MB each."""
    return write_checkpoint(
        tmp_path_factory.mktemp("large") / "c", hidden=768, inner=2304, layers=LAYERS
    )


@pytest.mark.parametrize("quantization", ["f32", "q4"])
def test_an_imports_memory_does_not_grow_with_the_model(
    tmp_path: Path, large: Path, quantization: str
) -> None:
    layer_bytes = (large / "model.safetensors").stat().st_size // LAYERS
    assert layer_bytes > 29 << 20
    finished = run_script(MEASURE, str(tmp_path), str(large), quantization)
    assert finished.stderr == ""
    before, peak = (int(figure) for figure in finished.stdout.split())
    assert peak <= 2 * layer_bytes + (500 << 20)
    assert peak - before <= 2 * layer_bytes + (32 << 20)


def test_a_full_disk_is_one_plain_line_and_the_library_stays_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    library = Library(home)
    before = library.import_folder(write_checkpoint(tmp_path / "small"), "m")
    answer = run_whole(before, library, [1, 2, 3], 5)
    folder = write_checkpoint(tmp_path / "c", vocabulary=4000)
    finished = run_script(FILL_THE_DISK, str(home), str(folder), "300000")
    assert finished.returncode == 1
    (line,) = finished.stderr.splitlines()
    assert "Cannot write to" in line
    assert "File too large" in line
    assert [each.manifest for each in library.models()] == [before]
    assert not list(library.store.folder.glob("partial-*"))
    assert run_whole(before, library, [1, 2, 3], 5) == answer


def interrupted_at(library: Library, folder: Path, layer: int) -> None:
    def interrupt(stage: Fact, _done: int, _total: int) -> None:
        if stage == Fact("block.layer", layer=layer):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.import_folder(folder, "m", "q8", progress=interrupt)


def inodes(library: Library, manifest: ModelManifest) -> list[int]:
    """A blob that is written anew is another file, even with the same name and content."""
    blobs = [block.blobs[0] for block in manifest.blocks]
    return [library.store.path(blob.sha256).stat().st_ino for blob in blobs]


def test_an_interrupted_import_goes_on_behind_the_last_block_it_wrote(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "c")
    expected = Library(tmp_path / "other").import_folder(folder, "m", "q8")
    library = Library(tmp_path / "home")
    interrupted_at(library, folder, 2)
    done = {path.name: path.stat().st_ino for path in library.store.folder.iterdir()}
    seen: list[Fact] = []
    manifest = library.import_folder(folder, "m", "q8", lambda stage, *_: seen.append(stage))
    assert manifest == expected
    assert len(seen) == 5
    for block in manifest.blocks[:3]:
        digest = block.blobs[0].sha256
        assert done[digest] == library.store.path(digest).stat().st_ino
    assert len(done) == 4
    assert not list((tmp_path / "home" / "models" / "unfinished").iterdir())


def test_a_block_damaged_in_between_is_written_again(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "c")
    library = Library(tmp_path / "home")
    interrupted_at(library, folder, 1)
    expected = Library(tmp_path / "other").import_folder(folder, "m", "q8")
    damaged, missing = (expected.blocks[index].blobs[0] for index in (0, 1))
    path = library.store.path(damaged.sha256)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    library.store.path(missing.sha256).unlink()
    assert library.import_folder(folder, "m", "q8") == expected
    for blob in expected.blobs_of(blocks(expected, 0, 2)):
        library.store.verify(blob)


def test_a_checkpoint_touched_in_between_is_read_from_the_start(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "c")
    library = Library(tmp_path / "home")
    interrupted_at(library, folder, 2)
    written = {path.name: path.stat().st_ino for path in library.store.folder.iterdir()}
    weights = folder / "model.safetensors"
    os.utime(weights, ns=(0, weights.stat().st_mtime_ns + 1))
    manifest = library.import_folder(folder, "m", "q8")
    embedding = manifest.blocks[0].blobs[0].sha256
    assert written[embedding] != library.store.path(embedding).stat().st_ino


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": {"blob": {}, "tensors": []}}'])
def test_a_damaged_record_only_costs_the_time_to_start_again(tmp_path: Path, content: str) -> None:
    folder = write_checkpoint(tmp_path / "c")
    library = Library(tmp_path / "home")
    interrupted_at(library, folder, 1)
    (record,) = (tmp_path / "home" / "models" / "unfinished").iterdir()
    record.write_text(content)
    expected = Library(tmp_path / "other").import_folder(folder, "m", "q8")
    assert library.import_folder(folder, "m", "q8") == expected


def test_a_record_nobody_came_back_for_is_forgotten(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "c")
    library = Library(tmp_path / "home")
    interrupted_at(library, folder, 1)
    (record,) = (tmp_path / "home" / "models" / "unfinished").iterdir()
    os.utime(record, (1_000_000, 1_000_000))
    interrupted_at(library, write_checkpoint(tmp_path / "other"), 1)
    assert not record.exists()


def test_weights_cut_short_while_they_are_read_are_one_plain_line(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "c")
    weights = folder / "model.safetensors"

    def cut(stage: Fact, _done: int, _total: int) -> None:
        if stage == Fact("block.layer", layer=1):
            weights.write_bytes(weights.read_bytes()[:-4000])

    library = Library(tmp_path / "home")
    with raises_saying(BadInputError, match="damaged or cut short") as caught:
        library.import_folder(folder, "m", progress=cut)
    assert "\n" not in error_text(caught.value)
    assert library.models() == ()
    assert not list(library.store.folder.glob("partial-*"))
