"""GPT-2 (Radford et al. 2019): learned positions; matrices lie turned in its checkpoints."""

from __future__ import annotations

from app.models.configuration import Configuration
from app.models.errors import UnusualModelError
from app.models.families.dimensions import dimensions_of
from app.models.families.interface import Dimensions, Part, Weight, WeightRole
from app.models.families.llama import head_part, usual_attention
from app.models.families.plain import POSITIONS, PlainDecoder, PlainStyle
from app.models.families.weights import HEAD_NORM, DecoderWeights, affine, linear
from app.models.graphs.operators import require_activation

DEFAULT_EPSILON = 1e-5


def gpt2(configuration: Configuration) -> PlainDecoder:
    """Return a GPT-2 model. Raises `BadInputError` for what it does not compute."""
    _refuse_unusual(configuration)
    sizes = dimensions_of(configuration)
    inner_size = configuration.dimension("n_inner", 4 * sizes.hidden_size)
    stored_positions = configuration.dimension("n_positions", sizes.context_tokens)
    place_part = Part(
        "transformer.wpe.weight",
        (stored_positions, sizes.hidden_size),
        rows=((0, sizes.context_tokens),),
    )
    weights = DecoderWeights(
        Part("transformer.wte.weight", (sizes.vocabulary_size, sizes.hidden_size)),
        lambda layer: _layer(layer, sizes, inner_size),
        affine(HEAD_NORM, "transformer.ln_f", sizes.hidden_size),
        head_part(configuration, sizes, tied=True),
        beside_table=(Weight(POSITIONS, WeightRole.TABLE, (place_part,)),),
    )
    style = PlainStyle(
        activation=require_activation(configuration.text("activation_function", "gelu_new")),
        epsilon=configuration.number("layer_norm_epsilon", DEFAULT_EPSILON),
        attention=usual_attention(sizes),
        learned_positions=True,
    )
    return PlainDecoder("gpt2", sizes, style, weights)


def _refuse_unusual(configuration: Configuration) -> None:
    if configuration.flag("scale_attn_by_inverse_layer_idx", default=False):
        raise UnusualModelError("family.gpt2_scale_by_layer")
    if not configuration.flag("scale_attn_weights", default=True):
        raise UnusualModelError("family.gpt2_unscaled")


def _layer(layer: int, sizes: Dimensions, inner_size: int) -> tuple[Weight, ...]:
    own, source, hidden = f"layer.{layer}.", f"transformer.h.{layer}.", sizes.hidden_size
    return (
        *affine(own + "attention_norm", source + "ln_1", hidden),
        *linear(
            own + "query_key_value", _turned(source + "attn.c_attn", 3 * hidden, hidden), bias=True
        ),
        *linear(own + "output", _turned(source + "attn.c_proj", hidden, hidden), bias=True),
        *affine(own + "inner_norm", source + "ln_2", hidden),
        *linear(own + "up", _turned(source + "mlp.c_fc", inner_size, hidden), bias=True),
        *linear(own + "down", _turned(source + "mlp.c_proj", hidden, inner_size), bias=True),
    )


def _turned(source: str, rows: int, columns: int) -> Part:
    return Part(source + ".weight", (columns, rows), transposed=True)
