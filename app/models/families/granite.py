"""Granite 3 (IBM 2024): Llama with a multiplier for embedding, attention, residuals and logits."""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.gated import GatedDecoder, GatedStyle
from app.models.families.llama import llama


def granite(configuration: Configuration) -> GatedDecoder:
    """Return a Granite model. Raises `BadInputError` for what it does not compute."""
    base = llama(configuration)
    return replace(base, name="granite", style=multiplied(configuration, base.style))


def multiplied(configuration: Configuration, style: GatedStyle) -> GatedStyle:
    """Return a style with Granite's multipliers."""
    return replace(
        style,
        attention=replace(style.attention, scale=configuration.number("attention_multiplier", 1.0)),
        embedding_scale=configuration.number("embedding_multiplier", 1.0),
        residual_scale=configuration.number("residual_multiplier", 1.0),
        logit_scale=1 / configuration.number("logits_scaling", 1.0),
    )
