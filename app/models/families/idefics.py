"""Idefics3 and SmolVLM: SigLIP's blocks before a Llama.

Laurençon et al. 2024 (Idefics3, section 2.2); Marafioti et al. 2025 (SmolVLM).

The patches of a small square, so many along its edge, become one row of the decoder (pixel
shuffle): their states lie behind each other in a row anyway. The reference finds a patch's learned
position by a fraction of the edge; for whole squares of all published sizes that is its own number.
"""

from __future__ import annotations

from typing import Final

from app.core.errors import BadInputError
from app.core.model import Eyes, Sight
from app.models.configuration import Configuration
from app.models.families.interface import Family
from app.models.families.llama import llama
from app.models.families.seeing import SeeingModel
from app.models.families.siglip import (
    MOST_PIXELS,
    Colours,
    Projection,
    Siglip,
    SiglipSizes,
    colours_of,
    eye,
    picture_token,
    siglip_sizes,
)
from app.models.families.text_part import text_part
from app.models.families.weights import matrix
from app.models.graphs.graph import ShardGraph
from app.models.pictures.settings import SECTION

MARK: Final = "<image>"
MOST_SQUARES: Final = 256
"""Of a picture."""
_PROJECTION: Final = "eyes.projection"
_LANCZOS: Final = 1
_LONGEST_PIXELS: Final = 4 * 364
_USUAL_COLOURS: Final = Colours((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_TEXT_DEFAULTS: Final = {"rms_norm_eps": 1e-5}


def idefics3(configuration: Configuration) -> Family:
    """Return the model, its text part alone where nothing says how pictures come.

    Raises `BadInputError` for what it does not compute.
    """
    text = text_part(llama, _TEXT_DEFAULTS)(configuration)
    vision, settings = configuration.section("vision_config"), configuration.section(SECTION)
    if vision is None or settings is None:
        return text
    sizes = siglip_sizes(vision)
    eyes = _eyes(configuration, settings, sizes)
    width = eyes.hidden_size
    projection = matrix(
        "model.connector.modality_projection.proj", text.dimensions.hidden_size, width
    )

    def project(graph: ShardGraph, rows: str) -> str:
        return graph.linear(rows, _PROJECTION)

    return SeeingModel(
        "idefics3",
        text,
        Siglip(
            sizes,
            eyes,
            colours_of(settings, _USUAL_COLOURS),
            Projection(eye(_PROJECTION, projection, bias=False), project),
            "model.vision_model.",
        ),
    )


def _eyes(configuration: Configuration, settings: Configuration, sizes: SiglipSizes) -> Eyes:
    group = configuration.dimension("scale_factor", 2, sizes.side)
    if sizes.side % group:
        raise BadInputError("family.eyes_field", field="scale_factor")
    square = _longest(settings, "max_image_size", sizes.pixels)
    if square != sizes.pixels:
        raise BadInputError("family.eyes_field", field="max_image_size")
    splits = settings.flag("do_image_splitting", default=True)
    longest = _longest(settings, "size", _LONGEST_PIXELS)
    if splits and (longest // square) ** 2 > MOST_SQUARES:
        raise BadInputError("family.eyes_field", field="size")
    return Eyes(
        sight=Sight.IDEFICS,
        token=picture_token(configuration),
        mark=MARK,
        row_mark=MARK,
        rows=(sizes.side // group) ** 2,
        row_width=group**2 * sizes.patch_width,
        hidden_size=group**2 * sizes.size,
        pixels=sizes.pixels,
        patch_pixels=sizes.patch_pixels,
        group=group,
        edge_pixels=longest,
        splits=splits,
        resample=settings.dimension("resample", _LANCZOS, 5),
    )


def _longest(settings: Configuration, name: str, default: int) -> int:
    section = settings.section(name)
    return section.dimension("longest_edge", default, MOST_PIXELS) if section else default
