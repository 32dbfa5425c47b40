"""What a sentence-transformers folder adds to a checkpoint: pooling, norm, the longest text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from app.core.errors import BadInputError, reason_of
from app.models.configuration import MAXIMUM_FILE_BYTES, Configuration

SECTION = "sentence"
"""Where the settings are put in the checkpoint's configuration."""
MODULES_FILE = "modules.json"
SETTINGS_FILE = "sentence_bert_config.json"
POOLING_FILE = "config.json"
_TRANSFORMER, _POOLING, _NORM = "Transformer", "Pooling", "Normalize"
_FLAG = "pooling_mode_"
_MODES = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "lasttoken",
}


def with_sentence_settings(configuration: Configuration, folder: Path) -> Configuration:
    """Return the configuration with a section `sentence` where the folder has modules.

    Its fields: `pooling` (mean, max, cls, lasttoken), `normed`, and `max_tokens` where a longest
    text is given. Raises `BadInputError` for steps that are not known here.
    """
    if not (folder / MODULES_FILE).is_file():
        return configuration
    modules = _modules(folder / MODULES_FILE)
    settings: dict[str, object] = {"normed": _NORM in modules}
    if _POOLING in modules:
        settings["pooling"] = _pooling(folder / _inside(modules[_POOLING]) / POOLING_FILE)
    longest = _longest(folder)
    if longest is not None:
        settings["max_tokens"] = longest
    return Configuration({**configuration.values, SECTION: settings})


def _modules(path: Path) -> Mapping[str, str]:
    """Return the folder of each step by its kind."""
    try:
        if path.stat().st_size > MAXIMUM_FILE_BYTES:
            raise BadInputError(f"{path.name} is too large to be a list of modules.")
        entries = json.loads(path.read_text(encoding="utf-8"))
        found = {str(entry["type"]).rpartition(".")[2]: str(entry["path"]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"Cannot read {path}: {reason_of(error)}.") from error
    unknown = [kind for kind in found if kind not in (_TRANSFORMER, _POOLING, _NORM)]
    if unknown:
        raise BadInputError(f"{path.name} has a step that is not supported: {unknown[0]}.")
    return found


def _inside(folder: str) -> str:
    if Path(folder).name != folder or folder in ("", "."):
        raise BadInputError(f"{MODULES_FILE} names a folder outside its own: {folder}.")
    return folder


def _pooling(path: Path) -> str:
    values = Configuration.from_file(path).values
    chosen = [name for name, value in values.items() if name.startswith(_FLAG) and value is True]
    if len(chosen) != 1 or chosen[0] not in _MODES:
        named = ", ".join(name.removeprefix(_FLAG) for name in chosen) or "none"
        raise BadInputError(f"This pooling of sentences is not supported: {named}.")
    return _MODES[chosen[0]]


def _longest(folder: Path) -> int | None:
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return None
    settings = Configuration.from_file(path)
    if settings.values.get("max_seq_length") is None:
        return None
    return settings.dimension("max_seq_length")
