"""What a sentence-transformers folder adds to a checkpoint: pooling, norm, the longest text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
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
            raise BadInputError("sentence_modules.too_large", file=path.name)
        entries = json.loads(path.read_text(encoding="utf-8"))
        found = {str(entry["type"]).rpartition(".")[2]: str(entry["path"]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError("file.unreadable", path=str(path), reason=reason_of(error)) from error
    unknown = [kind for kind in found if kind not in (_TRANSFORMER, _POOLING, _NORM)]
    if unknown:
        raise BadInputError("sentence_modules.step_unknown", file=path.name, step=unknown[0])
    return found


def _inside(folder: str) -> str:
    if Path(folder).name != folder or folder in ("", "."):
        raise BadInputError("sentence_modules.outside", file=MODULES_FILE, folder=folder)
    return folder


def _pooling(path: Path) -> str:
    values = Configuration.from_file(path).values
    chosen = [name for name, value in values.items() if name.startswith(_FLAG) and value is True]
    if len(chosen) != 1 or chosen[0] not in _MODES:
        raise BadInputError(_refused_pooling(chosen))
    return _MODES[chosen[0]]


def _refused_pooling(chosen: Sequence[str]) -> Fact:
    if not chosen:
        return Fact("sentence_modules.no_pooling")
    kinds = tuple(name.removeprefix(_FLAG) for name in chosen)
    return Fact("sentence_modules.pooling_unknown", pooling=kinds)


def _longest(folder: Path) -> int | None:
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return None
    settings = Configuration.from_file(path)
    if settings.values.get("max_seq_length") is None:
        return None
    return settings.dimension("max_seq_length")
