"""The models page's way to hub and library, for a home."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from app.core.model import CACHE_FORMS
from app.models.families.registry import decoder_name
from app.models.formats.source import foreseen_family
from app.models.importing.forecast import forecast, require_foreseen
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.models.sources.finding import find_source
from app.models.sources.hub import Hub
from app.models.sources.reference import parse_reference
from app.ui.models.desk import ForeseenModel, OfferedModel

FOUND = 30


class HomeModelDesk:
    """Imports in a process of its own: its arithmetic would hold the window."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def search(self, words: str) -> Sequence[OfferedModel]:
        """Return models at the hub, the most downloaded first."""
        return tuple(
            OfferedModel(each.repository, each.pipeline, each.downloads, each.likes, each.gated)
            for each in Hub().search(words, FOUND)
        )

    def foresee(self, name: str, form: str, cache: str) -> ForeseenModel:
        """Read the configuration alone."""
        source, chosen = find_source(parse_reference(name)), Quantization.parse(form)
        configuration = source.configuration()
        family = foreseen_family(configuration) if configuration else None
        if configuration is not None and family is None:
            decoder_name(configuration)  # raises for what cannot be imported at all
        forms = [chosen, *(each for each in Quantization if each is not chosen)]
        rows = CACHE_FORMS[cache]
        if configuration is not None:
            require_foreseen(configuration, rows)
        models = [forecast(source.name, family, each, rows) for each in forms] if family else []
        return ForeseenModel(tuple(models), source.missing_bytes())

    def import_command(self, name: str, form: str, cache: str) -> Sequence[str]:
        """Return the terminal's own command."""
        program = (sys.executable, "-m", "app", "--home", str(self._home))
        forms = ("--quantize", form, "--cache", cache)
        return (*program, "models", "import", name, *forms, "--json")

    def delete(self, name: str) -> int:
        """Remove a model."""
        return Library(self._home).delete(name)
