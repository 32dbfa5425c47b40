"""A GGUF file becomes the same model as the checkpoint with the same weights, to the bit."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.models.formats.gguf import checkpoint as checkpoint_module
from app.models.formats.gguf.checkpoint import READABLE_TYPES
from app.models.formats.gguf.header import CutShortError, read_header
from app.models.library import Library
from app.models.whole import run_whole
from tests.saying import raises_saying
from tests.unit.models.gguf_files import CARRIED, SCALES, stored_pair, write_gguf

FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"tie_word_embeddings": True},
    "qwen2": {"attention_bias": True},
    "qwen3": {},
    "mistral": {"sliding_window": None},
    "phi3": {"sliding_window": 9},
    "gemma": {"hidden_act": "gelu_pytorch_tanh"},
    "gemma3": {
        "query_pre_attn_scalar": 64,
        "rope_theta": 1000000.0,
        "sliding_window_pattern": 6,
        "num_hidden_layers": 6,
    },
    "gemma2": {"query_pre_attn_scalar": 64, "rope_theta": 10000.0},
}
QUANTISED = (Kind.F16, Kind.BF16, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0, Kind.Q5_1, Kind.Q8_0, *SCALES)


def both(library: Library, folder: Path, file: Path, form: str) -> tuple[ModelManifest, ...]:
    return (library.import_folder(folder, "a", form), library.import_folder(file, "b", form))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("form", ["f32", "q8"])
def test_every_family_is_stored_as_from_its_checkpoint(
    family: str, form: str, tmp_path: Path, home: Path
) -> None:
    folder, file = stored_pair(tmp_path / family, family, Kind.F32, **FAMILIES[family])
    library = Library(home)
    from_folder, from_file = both(library, folder, file, form)
    assert from_file.blocks == from_folder.blocks
    assert from_file.context_tokens == from_folder.context_tokens
    tokens = [5, 9, 200, 31, 7]
    assert run_whole(from_file, library, tokens, 8) == run_whole(from_folder, library, tokens, 8)
    assert (from_file.begin_token, from_file.end_tokens) == (0, (1,))


@pytest.mark.parametrize("kind", QUANTISED, ids=lambda kind: kind.name)
@pytest.mark.parametrize("family", ["llama", "phi3"])
def test_every_type_is_read_as_the_numbers_it_stands_for(
    kind: Kind, family: str, tmp_path: Path, home: Path
) -> None:
    folder, file = stored_pair(tmp_path / family, family, kind, num_hidden_layers=1)
    from_folder, from_file = both(Library(home), folder, file, "f32")
    assert from_file.blocks == from_folder.blocks


def test_all_types_that_are_read_are_tried() -> None:
    assert {Kind.F32, *QUANTISED} == READABLE_TYPES


def test_large_tensors_come_in_pieces_of_whole_heads(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file = stored_pair(tmp_path / "llama", "llama", Kind.Q8_0)
    monkeypatch.setattr(checkpoint_module, "PIECE_BYTES", 4 * 256 * 100)
    from_folder, from_file = both(Library(home), folder, file, "f32")
    assert from_file.blocks == from_folder.blocks


def test_the_head_is_read_as_the_package_reads_it(tmp_path: Path) -> None:
    _, file = stored_pair(tmp_path / "qwen3", "qwen3", Kind.Q4_0)
    header, reader = read_header(file), gguf.GGUFReader(file)
    for tensor in reader.tensors:
        mine = header.tensors[tensor.name]
        assert mine.shape == tuple(reversed(tensor.shape.tolist()))
        assert (mine.offset_bytes, mine.kind) == (tensor.data_offset, tensor.tensor_type)
        assert mine.end_bytes - mine.offset_bytes == tensor.n_bytes
    assert header.end_bytes <= file.stat().st_size
    for name, field in reader.fields.items():
        if not name.startswith("GGUF."):
            assert header.values[name] == field.contents()


def test_llama_3s_stretched_positions_are_those_of_the_checkpoint(
    tmp_path: Path, home: Path
) -> None:
    scaling = {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16,
    }
    folder, plain = stored_pair(tmp_path / "llama", "llama", Kind.F32, rope_scaling=scaling)
    file = with_factors(plain, "rope_freqs.weight", llama3_factors(64, scaling))
    library = Library(home)
    from_folder, from_file = both(library, folder, file, "f32")
    tokens = [int(token) for token in np.random.default_rng(2).integers(0, 320, 40)]
    assert from_file.context_tokens == 64
    assert run_whole(from_file, library, tokens, 20) == run_whole(from_folder, library, tokens, 20)
    bare = library.import_folder(plain, "bare", "f32")
    assert run_whole(bare, library, tokens, 20) != run_whole(from_folder, library, tokens, 20)


def llama3_factors(head_size: int, scaling: dict[str, object]) -> list[float]:
    """Return the divisors as the converter computes them (`generate_extra_tensors`)."""
    original, factor = 16, 8.0
    low, high = original / 1.0, original / 4.0
    frequencies = 1 / 10000.0 ** (np.arange(0, head_size, 2) / head_size)
    factors = []
    for wavelength in 2 * np.pi / frequencies:
        smooth = (original / wavelength - 1.0) / (4.0 - 1.0)
        if wavelength < high:
            factors.append(1.0)
        elif wavelength > low:
            factors.append(factor)
        else:
            factors.append(1 / ((1 - smooth) / factor + smooth))
    del scaling
    return factors


def with_factors(file: Path, name: str, factors: list[float]) -> Path:
    """Copy a file with one tensor more."""
    reader = gguf.GGUFReader(file)
    target = file.with_name("stretched.gguf")
    writer = gguf.GGUFWriter(target, str(reader.fields["general.architecture"].contents()))
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            writer.add_key_value(key, field.contents(), field.types[0])
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.add_tensor(name, np.array(factors, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("small") / "qwen2"
    _, file = stored_pair(folder, "qwen2", Kind.Q8_0, num_hidden_layers=1)
    return file.read_bytes()


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused_and_nothing_is_imported(
    share: float, small: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    (folder / "m.gguf").write_bytes(small[: int(share * (len(small) - 64))])
    library = Library(folder / "home")
    with raises_saying(BadInputError, "cut short|Cannot read m.gguf"):
        library.import_folder(folder / "m.gguf", "m")
    assert library.models() == ()
    assert list(library.store.folder.iterdir()) == []


@given(place=st.integers(4, 3000), content=st.binary(min_size=1, max_size=9))
def test_a_damaged_head_is_refused_or_read_but_never_breaks(
    place: int, content: bytes, small: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("damaged") / "m.gguf"
    file.write_bytes(small[:place] + content + small[place + len(content) :])
    try:
        checkpoint_module.GgufCheckpoint(file)
    except BadInputError:
        return


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04" + bytes(60), "not a GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1; read are 2 and 3"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "version 50331648"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), "damaged"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60), "damaged"),
        (b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"a", 9, 0, 1 << 22), "cut short"),
        (b"GGUF" + struct.pack("<IQQQ1sI", 3, 0, 1, 1, b"a", 77), "damaged"),
        (b"", "Cannot read m.gguf"),
    ],
)
def test_lengths_are_compared_before_they_are_believed(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    with raises_saying(BadInputError, message):
        read_header(tmp_path / "m.gguf")


def test_a_beginning_is_enough_to_know_what_is_announced(small: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(small[: 64 << 10])
    assert read_header(tmp_path / "m.gguf", whole=False).end_bytes > 64 << 10
    with raises_saying(CutShortError, "65.5 kB of .*Download it again"):
        read_header(tmp_path / "m.gguf")


@pytest.mark.parametrize(
    ("architecture", "extra", "message"),
    [
        ("mamba", {}, "architecture mamba are not read; known are llama, qwen2"),
        ("llama", {"llama.expert_count": 8}, "mixtures of experts"),
        ("llama", {"split.count": 3}, "one of several parts.*llama-gguf-split"),
    ],
)
def test_what_is_not_read_is_said(
    architecture: str, extra: dict[str, int], message: str, tmp_path: Path, home: Path
) -> None:
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", architecture)
    for key, value in extra.items():
        writer.add_uint32(key, value)
    writer.add_tensor("token_embd.weight", np.zeros((8, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with raises_saying(BadInputError, message):
        Library(home).import_folder(tmp_path / "m.gguf", "m")


def test_a_tensor_of_a_type_that_is_not_read_is_named(tmp_path: Path, home: Path) -> None:
    folder, _ = stored_pair(tmp_path / "qwen2", "qwen2", Kind.F32, num_hidden_layers=1)
    del folder
    columns, size = gguf.GGML_QUANT_SIZES[Kind.IQ2_XXS]
    raw = np.zeros((320, 256 // columns * size), np.uint8)
    held = {"model.embed_tokens.weight": (np.zeros((320, 256), np.float32), raw, Kind.IQ2_XXS)}
    configuration = CARRIED | {"num_hidden_layers": 1}
    file = write_gguf(tmp_path / "m.gguf", "qwen2", configuration, held)
    with raises_saying(BadInputError, "IQ2_XXS"):
        Library(home).import_folder(file, "m")


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, home: Path) -> None:
    _, file = stored_pair(tmp_path / "qwen2", "qwen2", Kind.F32, num_hidden_layers=1)
    place = read_header(file).tensors["blk.0.ffn_up.weight"].offset_bytes
    content = bytearray(file.read_bytes())
    content[place : place + 4] = struct.pack("<f", float("nan"))
    file.write_bytes(content)
    library = Library(home)
    with raises_saying(BadInputError, "not finite"):
        library.import_folder(file, "m")
    assert library.models() == ()
