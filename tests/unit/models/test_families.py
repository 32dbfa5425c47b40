"""What families compute, without the reference implementation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.families.registry import family_of
from app.models.families.weights import interleaved
from app.models.formats.source import foreseen_family
from app.models.graphs.positions import linear_slopes
from app.models.library import Library
from app.models.whole import WholeModel
from app.words.sentences import error_text
from tests.assignments import blocks
from tests.saying import raises_saying
from tests.unit.models.families import FAMILIES, write_family
from tests.unit.models.support import Stage, run_ring, stages

PREFIXES = {"gpt2": "transformer.", "bloom": "transformer.", "opt": "model."}


@pytest.mark.parametrize("name", FAMILIES)
def test_sequences_of_unequal_length_decode_together_as_they_do_alone(
    tmp_path: Path, name: str
) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_family(tmp_path / "c", name), "m")
    shard = library.shard(manifest, blocks(manifest, 0, 2))
    together = Stage(library, manifest, shard, sequences=2)
    prompts = np.array([[0, 5, 9, 0, 0], [0, 7, 33, 2, 64]], np.int64)
    together.step(prompts, 0, 0)
    found = together.step(np.array([[11], [12]], np.int64), 3, 5)
    for row, (length, token) in enumerate([(3, 11), (5, 12)]):
        alone = Stage(library, manifest, shard)
        alone.step(prompts[row : row + 1, :length], 0)
        expected = alone.step(np.array([[token]], np.int64), length)[0]
        assert np.allclose(found[row], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("quantization", ["f32", "q4-plain"])
def test_three_shards_fed_in_chunks_equal_the_whole_bit_for_bit(
    tmp_path: Path, name: str, quantization: str
) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_family(tmp_path / "c", name), "m", quantization)
    whole, ring = WholeModel(manifest, library), stages(library, manifest, 3)
    tokens = np.random.default_rng(1).integers(0, 320, 24).tolist()
    for start, after in [(0, 7), (7, 8), (8, 20), (20, 24)]:
        expected = whole.step(tokens[start:after], start)
        assert np.array_equal(run_ring(ring, tokens[start:after], start)[0], expected)
    rolled_back = whole.step(tokens[8:20], 8)
    assert np.array_equal(run_ring(ring, tokens[8:20], 8)[0], rolled_back)


@pytest.mark.parametrize("name", PREFIXES)
def test_a_checkpoint_named_without_its_models_prefix_is_the_same_model(
    tmp_path: Path, name: str
) -> None:
    library = Library(tmp_path / "home")
    folder = write_family(tmp_path / "c", name)
    expected = library.import_folder(folder, "m")
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {key.removeprefix(PREFIXES[name]): value for key, value in tensors.items()},
        folder / "model.safetensors",
    )
    assert library.import_folder(folder, "m") == expected


@given(heads=st.integers(1, 80))
def test_bias_slopes_fall_from_head_to_head_within_each_series(heads: int) -> None:
    slopes = linear_slopes(heads)
    whole = 1 << (heads.bit_length() - 1)
    assert slopes.shape == (heads,)
    assert np.allclose(slopes[:whole], slopes[0] ** np.arange(1, whole + 1), rtol=1e-5)
    assert slopes[whole - 1] == 2.0**-8
    assert (np.diff(slopes[whole:]) < 0).all()
    assert not set(slopes[whole:]) & set(slopes[:whole])


@given(heads=st.integers(1, 9), head_size=st.integers(1, 9))
def test_interleaved_rows_come_out_as_queries_then_keys_then_values(
    heads: int, head_size: int
) -> None:
    part = interleaved("x", heads, head_size, 1)
    labels = np.arange(3 * heads * head_size).reshape(heads, 3, head_size)
    taken = np.concatenate([labels.reshape(-1)[first:after] for first, after in part.rows])
    assert taken.tolist() == labels.swapaxes(0, 1).reshape(-1).tolist()
    assert part.taken_shape == part.shape


def test_a_window_or_a_stretched_context_that_is_never_reached_changes_nothing(
    tmp_path: Path,
) -> None:
    library = Library(tmp_path / "home")
    wide = library.import_folder(write_family(tmp_path / "a", "mistral", sliding_window=64), "wide")
    none = library.import_folder(
        write_family(tmp_path / "b", "mistral", sliding_window=None), "none"
    )
    assert (
        library.shard(wide, blocks(wide, 0, 2)).graph
        == library.shard(none, blocks(none, 0, 2)).graph
    )


@pytest.mark.parametrize("name", ["phi3", "llama"])
def test_a_stretched_context_is_cut_to_the_one_its_tables_are_exact_in(name: str) -> None:
    scaling = {"type": "longrope", "short_factor": [1.0] * 8, "long_factor": [9.0] * 8}
    changes = {"rope_scaling": scaling, "original_max_position_embeddings": 48}
    configuration = {**FAMILIES[name], "vocab_size": 320, **changes}
    assert family_of(Configuration(configuration)).dimensions.context_tokens == 48


def test_a_context_is_cut_to_the_one_beyond_which_queries_grow() -> None:
    rotary = {**FAMILIES["ministral3"]["rope_parameters"], "original_max_position_embeddings": 48}
    for beta, context in ((0.1, 48), (None, 64)):
        parameters = {**rotary, "llama_4_scaling_beta": beta}
        fields = {**FAMILIES["ministral3"], "vocab_size": 320, "rope_parameters": parameters}
        assert family_of(Configuration(fields)).dimensions.context_tokens == context


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**40)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["gelu", "longrope", "llama3", "yarn", "sliding_attention"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["rope_type", "factor", "short_factor", "rope_theta", "beta_fast", "full_attention"]
            ),
            inner,
        )
    ),
    max_leaves=4,
)
FIELDS = sorted(
    {field for fields in FAMILIES.values() for field in fields}
    | {"rope_scaling", "rope_parameters", "layer_types", "tie_word_embeddings", "head_dim"}
    | {"n_inner", "rms_norm_eps", "hidden_act", "partial_rotary_factor", "use_sliding_window"}
    | {"mlp_only_layers", "decoder_sparse_step", "quantization_config", "router_jitter_noise"}
    | {"no_rope_layers", "layer_norm_eps", "use_qk_norm", "logit_scale"}
    | {"query_pre_attn_scalar", "original_max_position_embeddings", "word_embed_proj_dim"}
)


@settings(deadline=None, max_examples=300)
@given(
    name=st.sampled_from(sorted(FAMILIES)),
    changes=st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1, max_size=3),
)
def test_any_configuration_makes_a_family_or_one_plain_line(
    name: str, changes: dict[str, object]
) -> None:
    configuration = Configuration({**FAMILIES[name], "vocab_size": 320, **changes})
    try:
        family = family_of(configuration)
    except BadInputError as error:
        assert len(error_text(error).splitlines()) == 1  # noqa: PT017 - both outcomes are right
    else:
        assert len(family.plans()) == family.dimensions.layer_count + 2


@pytest.mark.parametrize(
    ("name", "changes", "line"),
    [
        ("opt", {"do_layer_norm_before": False}, "norms behind attention"),
        ("opt", {"word_embed_proj_dim": 32}, "projected embedding"),
        ("opt", {"layer_norm_elementwise_affine": False}, "norms have no weights"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale attention by the layer"),
        ("gpt2", {"scale_attn_weights": False}, "without scaled attention"),
        ("gpt2", {"activation_function": "swish"}, "activation 'swish'"),
        ("bloom", {"apply_residual_connection_post_layernorm": True}, "residual starts"),
        ("gpt_neox", {"rotary_pct": 0.1}, "do not fit 1 of 16"),
        ("mistral", {"layer_types": ["sideways"] * 3}, "layer_types"),
        ("mistral", {"layer_types": [{}, [], None]}, "layer_types"),
        ("mistral", {"architectures": ["a\nb"]}, "Unknown architecture"),
        ("mistral", {"sliding_window": -1}, "sliding_window is not a usable size"),
        ("llama", {"head_dim": 20}, "heads of size 20 are not supported"),
        (
            "phi3",
            {"rope_scaling": {"type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}},
            "do not fit 16 of 16",
        ),
        ("cohere", {"use_qk_norm": True}, "norm their queries and keys"),
        ("smollm3", {"no_rope_layers": [1, 2, 1]}, "not 0 or 1 for each layer"),
        ("mixtral", {"num_experts_per_tok": 5}, "cannot choose 5 experts where there are 4"),
        ("qwen3_moe", {"mlp_only_layers": ["1"]}, "mlp_only_layers"),
        ("olmoe", {"clip_qkv": 8.0}, "clip their queries"),
        ("smollm3", {"no_rope_layers": [1]}, "not 0 or 1 for each layer"),
        ("llama", {"rope_theta": 1}, "base 1.00 are not supported"),
        ("phi3", {"rope_scaling": {"type": "longrope"}}, "lacks the field short_factor"),
        (
            "phi3",
            {"rope_scaling": {"type": "su", "short_factor": [1.0] * 7 + ["x"]}},
            "short_factor is not a number",
        ),
    ],
)
def test_what_a_family_does_not_compute_is_refused_in_one_line(
    name: str, changes: dict[str, object], line: str
) -> None:
    configuration = Configuration({**FAMILIES[name], "vocab_size": 320, **changes})
    with raises_saying(BadInputError, match=line) as caught:
        family_of(configuration)
    assert "\n" not in error_text(caught.value)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"model_type": "mamba"}, "running state"),
        ({"model_type": "qwen3_next"}, "running state"),
        ({"layer_types": ["linear_attention", "full_attention"]}, "running state"),
        ({"text_config": {"model_type": "qwen3_5_text"}, "vision_config": {"x": 1}}, "running"),
        ({"kv_lora_rank": 512}, "latent vector"),
        ({"text_config": {"hidden_size_per_layer_input": 256}}, "every layer again"),
        ({"is_encoder_decoder": True}, "an encoder and writes"),
        ({"vision_config": {"depth": 1}}, "sees or hears"),
        ({"quantization_config": {"quant_method": "hqq"}}, "form 'hqq', which is not read"),
    ],
)
@pytest.mark.parametrize("name", ["NewestForCausalLM", "NewestForConditionalGeneration"])
def test_kinds_of_models_that_are_not_supported_are_told_before_anything_else(
    fields: dict[str, object], line: str, name: str
) -> None:
    configuration = Configuration({"architectures": [name], **fields})
    with raises_saying(BadInputError, match=line) as caught:
        foreseen_family(configuration)
    assert len(error_text(caught.value).splitlines()) == 1


@pytest.mark.parametrize("method", ["hqq", "eetq", "quanto", None])
def test_weights_in_a_form_that_is_not_read_are_told_by_name(method: str | None) -> None:
    fields = {**FAMILIES["llama"], "vocab_size": 320}
    fields["quantization_config"] = {"quant_method": method}
    with raises_saying(BadInputError, match=f"form '{method}'.*GGUF"):
        family_of(Configuration(fields))


@pytest.mark.parametrize(
    ("prefixes", "name"),
    [
        (("model.language_model.", "lm_head."), "new"),
        (("language_model.model.", "language_model.lm_head."), "old"),
    ],
)
def test_the_text_part_of_a_model_that_sees_is_the_model_of_texts(
    tmp_path: Path, prefixes: tuple[str, str], name: str
) -> None:
    folder = write_family(tmp_path / "c", "ministral3")
    library = Library(tmp_path / "home")
    alone = library.import_folder(folder, name)
    tensors = load_file(folder / "model.safetensors")
    seeing = {
        key.replace("model.", prefixes[0], 1).replace("lm_head.", prefixes[1]): value
        for key, value in tensors.items()
    }
    save_file(seeing | {"vision_tower.w": np.ones(3, np.float32)}, folder / "model.safetensors")
    fields = json.loads((folder / "config.json").read_text())
    text = {key: value for key, value in fields.items() if key != "architectures"}
    text["bos_token_id"] = 7
    whole = {
        "architectures": ["Mistral3ForConditionalGeneration"],
        "text_config": text,
        "vision_config": {"hidden_size": 8},
        "eos_token_id": 5,
    }
    (folder / "config.json").write_text(json.dumps(whole))
    found = library.import_folder(folder, name + "-seeing")
    assert found.blocks == alone.blocks
    assert (found.begin_token, found.end_tokens) == (7, (5,))


def test_a_seeing_gemma_3_that_leaves_its_usual_sizes_out_has_them() -> None:
    fields = {
        "architectures": ["Gemma3ForConditionalGeneration"],
        "text_config": {
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "num_hidden_layers": 34,
            "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
            "sliding_window": 1024,
        },
        "vision_config": {"hidden_size": 1152},
    }
    sizes = family_of(Configuration(fields)).dimensions
    assert (sizes.attention_heads, sizes.kv_heads, sizes.head_size) == (8, 4, 256)
    assert sizes.vocabulary_size == 262_208


def test_an_expert_that_is_no_number_or_a_router_with_too_few_rows_leaves_nothing_imported(
    tmp_path: Path,
) -> None:
    library = Library(tmp_path / "home")
    folder = write_family(tmp_path / "c", "mixtral")
    whole = load_file(folder / "model.safetensors")
    own = "model.layers.1.block_sparse_moe."
    spoilt = whole[own + "experts.2.w3.weight"].copy()
    spoilt[5, 7] = np.nan
    save_file(whole | {own + "experts.2.w3.weight": spoilt}, folder / "model.safetensors")
    with raises_saying(BadInputError, match=r"experts.2.w3.weight holds values that are not"):
        library.import_folder(folder, "m", "q4")
    fewer = {own + "gate.weight": whole[own + "gate.weight"][:3].copy()}
    save_file(whole | fewer, folder / "model.safetensors")
    with raises_saying(BadInputError, match=r"gate.weight has shape \(3, 64\), expected \(4, 64\)"):
        library.import_folder(folder, "m", "q4")
    assert library.models() == ()


def test_a_token_reads_its_chosen_experts_only(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    few = library.import_folder(write_family(tmp_path / "a", "mixtral"), "few", "q4")
    fields = {"num_local_experts": 16}
    many = library.import_folder(write_family(tmp_path / "b", "mixtral", **fields), "many", "q4")
    ones, others = few.blocks[1], many.blocks[1]
    routers = 12 * 64
    assert others.weight_bytes - ones.weight_bytes == routers * 4
    assert others.flops_per_token - ones.flops_per_token == routers * 2
    assert others.blobs[0].size_bytes > 2 * ones.blobs[0].size_bytes
    stored = next(each for each in library.models() if each.manifest == many)
    assert stored.tensors["layer.0.router"].element == "float32"
