"""SigLIP and what is like it: a transformer over the patches of a square picture.

Dosovitskiy et al. 2021 (ViT); Zhai et al. 2023 (SigLIP). Norms stand before each half of a layer,
every patch sees all others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.core.model import Eyes
from app.models.configuration import Configuration
from app.models.families.dimensions import MAXIMUM_HEADS, MAXIMUM_LAYERS
from app.models.families.interface import Part, Weight, WeightRole
from app.models.families.weights import affine, matrix
from app.models.graphs.attention import AttentionShape
from app.models.graphs.both_ways import attend_both_ways
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import activate, layer_norm, require_activation
from app.models.tensors import BIAS_SUFFIX

COLOURS = 3
LARGEST_PIXEL = 255.0
MOST_PIXELS = 4096
"""Along an edge of a square: more than any published model takes."""
_PATCHES, _PLACES, _END_NORM = "eyes.patches", "eyes.places", "eyes.end_norm"


@dataclass(frozen=True)
class SiglipSizes:
    """Sizes of the blocks, and their arithmetic."""

    layer_count: int
    size: int
    inner_size: int
    heads: int
    pixels: int
    patch_pixels: int
    activation: str
    epsilon: float

    @property
    def side(self) -> int:
        """Patches along an edge; pixels that are left over are not looked at."""
        return self.pixels // self.patch_pixels

    def with_layers(self, count: int) -> SiglipSizes:
        """Return the same with so many layers."""
        return replace(self, layer_count=count)

    @property
    def patch_width(self) -> int:
        """Numbers in a patch."""
        return COLOURS * self.patch_pixels**2


def siglip_sizes(section: Configuration) -> SiglipSizes:
    """Read the sizes. Raises `BadInputError` where they do not go together."""
    size, heads = section.dimension("hidden_size"), section.dimension("num_attention_heads", 16)
    pixels = section.dimension("image_size", maximum=MOST_PIXELS)
    patch = section.dimension("patch_size", maximum=MOST_PIXELS)
    if section.dimension("num_channels", COLOURS) != COLOURS:
        raise BadInputError("family.eyes_field", field="num_channels")
    if heads > MAXIMUM_HEADS or size % heads:
        raise BadInputError("family.eyes_field", field="num_attention_heads")
    if patch > pixels:
        raise BadInputError("family.eyes_field", field="patch_size")
    return SiglipSizes(
        layer_count=section.dimension("num_hidden_layers", 12, MAXIMUM_LAYERS),
        size=size,
        inner_size=section.dimension("intermediate_size", 3072),
        heads=heads,
        pixels=pixels,
        patch_pixels=patch,
        activation=require_activation(section.text("hidden_act", "gelu_pytorch_tanh")),
        epsilon=section.number("layer_norm_eps", 1e-6),
    )


@dataclass(frozen=True)
class Colours:
    """What is taken from each colour and divided by, once pixels go from 0 to 1."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


@dataclass(frozen=True)
class Projection:
    """What makes rows of the decoder: the weights, and what they compute of `[1, rows, ...]`."""

    weights: tuple[Weight, ...]
    add: Callable[[ShardGraph, str], str]


@dataclass(frozen=True)
class Siglip:
    """The blocks of one model; its tensors' names begin with `source`."""

    sizes: SiglipSizes
    eyes: Eyes
    colours: Colours
    projection: Projection
    source: str

    @property
    def layer_count(self) -> int:
        """Number of blocks."""
        return self.sizes.layer_count

    def beginning(self) -> tuple[Weight, ...]:
        """Return what multiplies a patch, and the learned positions."""
        sizes, source = self.sizes, self.source + "embeddings."
        kernel = (sizes.size, COLOURS, sizes.patch_pixels, sizes.patch_pixels)
        patches, places = source + "patch_embedding.", source + "position_embedding.weight"
        return (
            Weight(_PATCHES, WeightRole.EYE, (Part(patches + "weight", kernel),)),
            _vector(_PATCHES + BIAS_SUFFIX, Part(patches + "bias", (sizes.size,))),
            _vector(_PLACES, Part(places, (sizes.side**2, sizes.size))),
        )

    def layer(self, layer: int) -> tuple[Weight, ...]:
        """Return the weights of a block."""
        own, source = f"eyes.{layer}.", f"{self.source}encoder.layers.{layer}."
        size, inner = self.sizes.size, self.sizes.inner_size
        attention = source + "self_attn."
        packed = [matrix(attention + name, size, size) for name in ("q_proj", "k_proj", "v_proj")]
        return (
            *affine(own + "attention_norm", source + "layer_norm1", size),
            *eye(own + "query_key_value", *packed),
            *eye(own + "output", matrix(attention + "out_proj", size, size)),
            *affine(own + "inner_norm", source + "layer_norm2", size),
            *eye(own + "up", matrix(source + "mlp.fc1", inner, size)),
            *eye(own + "down", matrix(source + "mlp.fc2", size, inner)),
        )

    def ending(self) -> tuple[Weight, ...]:
        """Return the last norm and the projection."""
        norm = affine(_END_NORM, self.source + "post_layernorm", self.sizes.size)
        return (*norm, *self.projection.weights)

    def add_beginning(self, graph: ShardGraph, pixels: str) -> str:
        """Multiply each patch and add where it lies."""
        states = graph.linear(self.in_colours(graph, pixels), _PATCHES)
        order = graph.constant("places.order", self._place_order())
        places = graph.operator("Gather", [graph.weight(_PLACES), order])
        return graph.operator("Add", [states, places])

    def in_colours(self, graph: ShardGraph, pixels: str) -> str:
        """Return patches `[1, patches, numbers]` with colours as the model knows them."""
        apart = np.array([1, -1, self.sizes.patch_width], np.int64)
        patches = graph.operator("Reshape", [pixels, graph.constant("patches.apart", apart)])
        factor, shift = self._colour_steps()
        bright = graph.operator("Mul", [patches, graph.constant("colours.factor", factor)])
        return graph.operator("Add", [bright, graph.constant("colours.shift", shift)])

    def add_layer(self, graph: ShardGraph, layer: int, states: str) -> str:
        """Add attention and feed-forward, each around a residual."""
        own, sizes = f"eyes.{layer}.", self.sizes
        head = sizes.size // sizes.heads
        shape = AttentionShape(sizes.heads, sizes.heads, head, float(head) ** -0.5)
        normed = layer_norm(graph, states, own + "attention_norm", sizes.epsilon)
        packed = graph.linear(normed, own + "query_key_value")
        seen = attend_both_ways(graph, [packed], layer, shape)
        states = graph.operator("Add", [states, graph.linear(seen, own + "output")])
        normed = layer_norm(graph, states, own + "inner_norm", sizes.epsilon)
        inner = activate(graph, graph.linear(normed, own + "up"), sizes.activation)
        return graph.operator("Add", [states, graph.linear(inner, own + "down")])

    def add_ending(self, graph: ShardGraph, states: str) -> str:
        """Norm the states and make rows of the decoder of each row's."""
        normed = layer_norm(graph, states, _END_NORM, self.sizes.epsilon)
        return self.projection.add(graph, self.packed(graph, normed))

    def packed(self, graph: ShardGraph, states: str) -> str:
        """Return the states of a row's patches one after the other."""
        shape = np.array([1, self.eyes.rows, -1], np.int64)
        return graph.operator("Reshape", [states, graph.constant("states.packed", shape)])

    def unpacked(self, graph: ShardGraph, rows: str) -> str:
        """Return each patch's states by themselves."""
        shape = np.array([1, -1, self.sizes.size], np.int64)
        return graph.operator("Reshape", [rows, graph.constant("states.apart", shape)])

    def _colour_steps(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the factor and the shift of each number of a patch."""
        deviation, mean = (np.array(each) for each in (self.colours.deviation, self.colours.mean))
        factor, shift = 1 / (LARGEST_PIXEL * deviation), -mean / deviation
        each = self.sizes.patch_pixels**2
        return np.repeat(factor, each).astype(np.float32), np.repeat(shift, each).astype(np.float32)

    def _place_order(self) -> NDArray[np.int64]:
        """Return the places in the order in which patches come: those of a row together."""
        side, group = self.sizes.side, self.eyes.group
        upright = np.arange(side**2).reshape(side // group, group, side // group, group)
        return upright.transpose(0, 2, 1, 3).reshape(-1)


def eye(name: str, *parts: Part, bias: bool = True) -> tuple[Weight, ...]:
    """Return a matrix that is kept in float32, with its bias."""
    matrices = Weight(name, WeightRole.EYE, parts)
    if not bias:
        return (matrices,)
    biases = (Part(part.name.removesuffix(".weight") + ".bias", (part.shape[0],)) for part in parts)
    return (matrices, _vector(name + BIAS_SUFFIX, *biases))


def _vector(name: str, *parts: Part) -> Weight:
    return Weight(name, WeightRole.VECTOR, parts)


def colours_of(settings: Configuration, usual: Colours) -> Colours:
    """Return how colours are shifted and scaled. Raises `BadInputError` for odd settings."""
    if not all(settings.flag(name, default=True) for name in ("do_rescale", "do_normalize")):
        raise BadInputError("family.eyes_field", field="do_normalize")
    factor = settings.number("rescale_factor", 1 / 255)
    if abs(factor * 255 - 1) > 1e-6:
        raise BadInputError("family.eyes_field", field="rescale_factor")
    return Colours(
        _three(settings, "image_mean", usual.mean), _three(settings, "image_std", usual.deviation)
    )


def _three(
    settings: Configuration, name: str, usual: tuple[float, float, float]
) -> tuple[float, float, float]:
    if settings.values.get(name) is None:
        return usual
    found = settings.numbers(name)
    if len(found) != 3:
        raise BadInputError("family.eyes_field", field=name)
    return (found[0], found[1], found[2])


def picture_token(configuration: Configuration) -> int:
    """Return the token that stands for a row of a picture. Raises `BadInputError`."""
    name = configuration.first_of("image_token_id", "image_token_index")
    found = configuration.tokens(name)
    if len(found) != 1:
        raise BadInputError("configuration.field_lacking", field=name)
    return found[0]
