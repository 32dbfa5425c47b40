"""`shardloom models perplexity`: how well a model predicts a text."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from app.command_line.failures import complain
from app.command_line.output.terminal import print_fact, print_json
from app.core.assets import ASSETS
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.model import ModelManifest, ModelTask
from app.models.library import Library
from app.models.quality import measure, sample_size, sample_tokens
from app.models.quantization.harm import harm_of
from app.models.sample_text import SampleText
from app.models.stored_model import Quality
from app.rack.home import Home
from app.words.sentences import error_text, fact_text

SAMPLE = ASSETS / "sample_text" / "gettysburg_address.txt"


def execute(arguments: argparse.Namespace) -> int:
    """Measure the model, keep the result with it and print it."""
    Home(arguments.home).prepare()
    library = Library(arguments.home)
    library.ensure_demo(ASSETS / "demo_model")
    manifest = library.get(arguments.name)
    text = SampleText.read(arguments.text or SAMPLE)
    quality = measure(library, manifest, text, arguments.original)
    if arguments.json:
        print_json({"name": manifest.name, **asdict(quality)})
    else:
        print_fact(Fact("model.measured", model=manifest.name, quality=quality_fact(quality)))
        print_harm(manifest, quality)
    return 0


def measured_at_import(
    library: Library, manifest: ModelManifest, source: Path, adapter: Path | None = None
) -> Quality | None:
    """Measure a fresh model before and after quantisation, on as much text as a minute is for.

    A model that cannot be measured is imported all the same; why not goes to standard error.
    """
    reads = manifest.tokenizer is not None and not manifest.two_chains
    if not reads or manifest.task is not ModelTask.GENERATION:
        return None
    text = SampleText.read(SAMPLE)
    try:
        count = sample_size(manifest, len(sample_tokens(library, manifest, text)))
        if count:
            return measure(library, manifest, text, source, adapter=adapter, most_tokens=count)
        complain(fact_text(Fact("quality.not_measured", model=manifest.name)))
    except ShardloomError as error:
        complain(error_text(error))
    return None


def quality_fact(quality: Quality) -> Fact:
    """Return a measurement, with the original's where quantisation has changed it."""
    original = quality.float32_perplexity or quality.perplexity
    return Fact(
        "model.quality" if original == quality.perplexity else "model.quality_changed",
        perplexity=quality.perplexity,
        original=original,
        tokens=quality.predicted_tokens,
        text=quality.text,
    )


def print_harm(manifest: ModelManifest, quality: Quality | None) -> None:
    """Print one line where quantisation has clearly harmed the model."""
    harm = harm_of(manifest, quality)
    if harm:
        print_fact(harm)
