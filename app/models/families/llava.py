"""LLaVA: CLIP's blocks and two matrices before a Llama (Liu et al. 2023, 2024)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from app.core.errors import BadInputError
from app.core.model import Eyes, Sight
from app.models.configuration import Configuration
from app.models.families.clip import Clip, spread
from app.models.families.interface import Family
from app.models.families.llama import llama
from app.models.families.mistral import mistral
from app.models.families.qwen import qwen2
from app.models.families.seeing import SeeingModel
from app.models.families.siglip import (
    MOST_PIXELS,
    Colours,
    Projection,
    SiglipSizes,
    colours_of,
    eye,
    picture_token,
    siglip_sizes,
)
from app.models.families.text_part import text_part
from app.models.families.weights import matrix
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import activate, require_activation
from app.models.pictures.settings import SECTION

MARK: Final = "<image>"
_IN, _OUT = "eyes.projection.in", "eyes.projection.out"
_BICUBIC: Final = 3
_CLIP_COLOURS: Final = Colours(
    (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
)
_TEXTS: Final[Mapping[str, Callable[[Configuration], Family]]] = {
    "llama": llama,
    "mistral": mistral,
    "qwen2": qwen2,
}
_TEXT_DEFAULTS: Final[Mapping[str, object]] = {
    "hidden_size": 4096,
    "intermediate_size": 11_008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
}
"""What the published LLaVA 1.5 of 7 billion leaves out."""
_VISION_DEFAULTS: Final[Mapping[str, object]] = {
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "hidden_size": 1024,
    "image_size": 336,
    "patch_size": 14,
}


def llava(configuration: Configuration) -> Family:
    """Return the model, its text part alone where nothing says how pictures come.

    Raises `BadInputError` for what it does not compute.
    """
    text = _text(configuration)
    vision, settings = configuration.section("vision_config"), configuration.section(SECTION)
    if vision is None or settings is None:
        return text
    if vision.text("model_type", "clip_vision_model") != "clip_vision_model":
        raise BadInputError("family.eyes_field", field="vision_config")
    sizes = siglip_sizes(Configuration({**_VISION_DEFAULTS, **vision.values}))
    return SeeingModel(
        "llava",
        text,
        Clip(
            _seen_layers(configuration, sizes),
            _eyes(configuration, settings, sizes),
            colours_of(settings, _CLIP_COLOURS),
            _projection(configuration, sizes.size, text.dimensions.hidden_size),
            "vision_tower.vision_model.",
        ),
    )


def _text(configuration: Configuration) -> Family:
    section = configuration.section("text_config")
    kind = section.text("model_type", "llama") if section else "llama"
    if kind not in _TEXTS:
        raise BadInputError("family.eyes_field", field="text_config")
    return text_part(_TEXTS[kind], _TEXT_DEFAULTS if kind == "llama" else None)(configuration)


def _seen_layers(configuration: Configuration, sizes: SiglipSizes) -> SiglipSizes:
    """Return the sizes with as many layers as are run: what the decoder sees is not the last's."""
    chosen = configuration.values.get("vision_feature_layer", -2)
    if not isinstance(chosen, int) or isinstance(chosen, bool):
        raise BadInputError("family.eyes_field", field="vision_feature_layer")
    count = chosen if chosen >= 0 else sizes.layer_count + 1 + chosen
    if not 1 <= count <= sizes.layer_count:
        raise BadInputError("family.eyes_field", field="vision_feature_layer")
    if configuration.text("vision_feature_select_strategy", "default") != "default":
        raise BadInputError("family.eyes_field", field="vision_feature_select_strategy")
    return sizes.with_layers(count)


def _projection(configuration: Configuration, size: int, hidden_size: int) -> Projection:
    activation = require_activation(configuration.text("projector_hidden_act", "gelu"))
    bias = configuration.flag("multimodal_projector_bias", default=True)
    source = "multi_modal_projector.linear_"

    def project(graph: ShardGraph, rows: str) -> str:
        return graph.linear(activate(graph, graph.linear(rows, _IN), activation), _OUT)

    weights = (
        *eye(_IN, matrix(source + "1", hidden_size, size), bias=bias),
        *eye(_OUT, matrix(source + "2", hidden_size, hidden_size), bias=bias),
    )
    return Projection(weights, project)


def _eyes(configuration: Configuration, settings: Configuration, sizes: SiglipSizes) -> Eyes:
    if settings.flag("do_pad", default=False):
        raise BadInputError("family.eyes_field", field="do_pad")
    edge, middle = _edge(settings, "size"), _edge(settings, "crop_size")
    if middle != sizes.pixels or edge < middle:
        raise BadInputError("family.eyes_field", field="crop_size")
    rows = sizes.side**2
    return Eyes(
        sight=Sight.SQUARE,
        token=picture_token(configuration),
        mark=MARK,
        row_mark=MARK,
        rows=rows,
        row_width=sizes.patch_width,
        hidden_size=sizes.size + spread(sizes.size, rows),
        pixels=sizes.pixels,
        patch_pixels=sizes.patch_pixels,
        group=1,
        edge_pixels=edge,
        resample=settings.dimension("resample", _BICUBIC, 5),
    )


def _edge(settings: Configuration, name: str) -> int:
    """Return a size that is a number or, in newer files, that of an edge."""
    if isinstance(settings.values.get(name), int):
        return settings.dimension(name, maximum=MOST_PIXELS)
    section = settings.section(name)
    if section is None:
        raise BadInputError("configuration.field_lacking", field=name)
    return section.dimension(section.first_of("shortest_edge", "height"), maximum=MOST_PIXELS)
