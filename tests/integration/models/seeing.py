"""Small random models of the reference that see, and folders of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: reference not compared"
)

PICTURE_TOKEN = 150
TEXT = {
    "model_type": "llama",
    "vocab_size": 160,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": 0,
}
VISION = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}


@dataclass(frozen=True)
class SeeingKind:
    """A family's class in the reference, a small model of it and how its pictures come."""

    name: str
    fields: Mapping[str, Any]
    settings: Mapping[str, Any]
    processor: str
    rows: int
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Told to the reference beside pictures."""


IDEFICS = SeeingKind(
    "Idefics3",
    {
        "image_token_id": PICTURE_TOKEN,
        "scale_factor": 2,
        "tie_word_embeddings": False,
        "text_config": TEXT,
        "vision_config": VISION,
    },
    {
        "do_image_splitting": True,
        "max_image_size": {"longest_edge": 32},
        "size": {"longest_edge": 64},
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.5, 0.6, 0.7],
    },
    "Idefics3ImageProcessorPil",
    rows=4,
)
SEEING = {
    "idefics3": IDEFICS,
    "smolvlm": SeeingKind(
        "SmolVLM",
        {**IDEFICS.fields, "scale_factor": 3, "vision_config": VISION | {"image_size": 50}},
        {**IDEFICS.settings, "do_image_splitting": False, "max_image_size": {"longest_edge": 50}},
        "SmolVLMImageProcessorPil",
        rows=4,
    ),
    "llava": SeeingKind(
        "Llava",
        {
            "image_token_index": PICTURE_TOKEN,
            "text_config": TEXT,
            "vision_config": VISION
            | {"model_type": "clip_vision_model", "num_hidden_layers": 4, "projection_dim": 16},
            "vision_feature_layer": -2,
        },
        {
            "size": {"shortest_edge": 40},
            "crop_size": {"height": 32, "width": 32},
            "image_mean": [0.5, 0.4, 0.3],
            "image_std": [0.5, 0.6, 0.7],
        },
        "LlavaImageProcessorPil",
        rows=16,
    ),
}
"""The second with pixels left over at the edges."""


def saved_seeing(folder: Path, name: str) -> Any:  # noqa: ANN401 - torch's types are not here
    """Save a model of random weights, norms and biases too, and return it."""
    kind = SEEING[name]
    torch.manual_seed(7)
    configuration = getattr(transformers, kind.name + "Config")(**kind.fields)
    model = getattr(transformers, kind.name + "ForConditionalGeneration")(configuration).eval()
    with torch.no_grad():
        for each, parameter in model.named_parameters():
            centre = float(parameter.dim() == 1 and "norm" in each and "bias" not in each)
            parameter.normal_(mean=centre, std=0.2 if parameter.dim() > 1 else 0.3)
    model.save_pretrained(folder, max_shard_size="100KB")
    (folder / "preprocessor_config.json").write_text(json.dumps(dict(kind.settings)))
    return model


def pixels_of(name: str, folder: Path, picture: Image.Image) -> NDArray[np.float32]:
    """Return what the reference makes of a picture, `[squares, colours, height, width]`."""
    kind = SEEING[name]
    module = f"transformers.models.{kind.name.lower()}.image_processing_pil_{kind.name.lower()}"
    processor = getattr(__import__(module, fromlist=["_"]), kind.processor)
    found = processor.from_pretrained(folder)(images=[picture], return_tensors="np")
    pixels: NDArray[np.float32] = np.asarray(found["pixel_values"])
    return pixels.reshape(-1, *pixels.shape[-3:])


def as_told(model: Any, pixels: NDArray[np.float32]) -> Any:  # noqa: ANN401 - torch's types
    """Return pixels as a model takes them: of Idefics those of a text, of others of all."""
    told = torch.tensor(pixels)
    return told[None] if hasattr(model.config, "scale_factor") else told


def answered(model: Any, tokens: list[int], pixels: NDArray[np.float32], count: int) -> list[int]:  # noqa: ANN401
    """Return the reference's answer to tokens with a picture among them."""
    ids, told = torch.tensor([tokens]), as_told(model, pixels)
    with torch.no_grad():
        found = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=told,
            max_new_tokens=count,
            do_sample=False,
        )
    answer: list[int] = found[0].tolist()[len(tokens) :]
    return answer


def a_picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return a picture of random colours that change slowly."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def text_around(squares: int, rows: int) -> list[int]:
    """Return tokens of a text with places for so many squares."""
    places = [[7, 8 + square, *[PICTURE_TOKEN] * rows] for square in range(squares)]
    return [1, 5, *(token for place in places for token in place), 9, 10, 44]
