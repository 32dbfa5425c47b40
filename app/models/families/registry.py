"""Which families can be imported, by the name a checkpoint gives its architecture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.families.interface import Family
from app.models.families.llama import LlamaFamily

FAMILIES: Mapping[str, Callable[[Configuration], Family]] = {"LlamaForCausalLM": LlamaFamily}


def family_of(configuration: Configuration) -> Family:
    """Return the checkpoint's family. Raises `BadInputError` where none fits."""
    architectures = configuration.values.get("architectures")
    names = architectures if isinstance(architectures, list) else []
    for name in names:
        if isinstance(name, str) and name in FAMILIES:
            return FAMILIES[name](configuration)
    found = ", ".join(str(name) for name in names) or "none named"
    raise BadInputError(f"Unknown architecture ({found}); known are {', '.join(FAMILIES)}.")
