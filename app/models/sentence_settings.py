"""What a sentence-transformers folder adds to a checkpoint: pooling, layers, the longest text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.models.configuration import MAXIMUM_FILE_BYTES, Configuration

SECTION = "sentence"
"""Where the settings are put in the checkpoint's configuration."""
MODULES_FILE = "modules.json"
SETTINGS_FILE = "sentence_bert_config.json"
POOLING_FILE = "config.json"
DENSE_FILE = "model.safetensors"
"""The weights of a layer behind the pooling, in the step's own folder."""
_TRANSFORMER, _POOLING, _NORM, _DENSE = "Transformer", "Pooling", "Normalize", "Dense"
_DENSE_ACTIVATIONS = {"Identity": "", "Tanh": "tanh"}
_FLAG = "pooling_mode_"
_MODES = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclass(frozen=True)
class DenseSettings:
    """A layer behind the pooling: its folder, its sizes, `tanh` or an empty activation."""

    folder: str
    rows: int
    columns: int
    bias: bool
    activation: str


def dense_settings(configuration: Configuration) -> tuple[DenseSettings, ...]:
    """Return the layers behind the pooling that a section `sentence` lists."""
    section = configuration.section(SECTION)
    listed = section.values.get("dense") if section else None
    steps = listed if isinstance(listed, list) else []
    return tuple(_dense_of(Configuration(each)) for each in steps if isinstance(each, dict))


def _dense_of(section: Configuration) -> DenseSettings:
    rows, columns = section.dimension("rows"), section.dimension("columns")
    folder, bias = _inside(section.text("folder")), section.flag("bias", default=True)
    return DenseSettings(folder, rows, columns, bias, section.text("activation", ""))


def with_sentence_settings(configuration: Configuration, folder: Path) -> Configuration:
    """Return the configuration with a section `sentence` where the folder has modules.

    Its fields: `pooling` (mean, max, cls, lasttoken), `normed`, `dense`, and `max_tokens` where a
    longest text is given. Raises `BadInputError` for steps that are not known here.
    """
    if not (folder / MODULES_FILE).is_file():
        return configuration
    modules = _modules(folder / MODULES_FILE)
    settings: dict[str, object] = {"normed": any(kind == _NORM for kind, _ in modules)}
    for kind, step in modules:
        if kind == _POOLING:
            settings["pooling"] = _pooling(folder / _inside(step) / POOLING_FILE)
    dense = [_dense(folder, step) for kind, step in modules if kind == _DENSE]
    if dense:
        settings["dense"] = dense
    longest = _longest(folder)
    if longest is not None:
        settings["max_tokens"] = longest
    return Configuration({**configuration.values, SECTION: settings})


def _dense(folder: Path, step: str) -> Mapping[str, object]:
    section = Configuration.from_file(folder / _inside(step) / POOLING_FILE)
    activation = section.text("activation_function", "Tanh").rpartition(".")[2]
    if activation not in _DENSE_ACTIVATIONS:
        raise BadInputError(
            "sentence_modules.step_unknown", file=f"{step}/{POOLING_FILE}", step=activation
        )
    sizes = section.dimension("out_features"), section.dimension("in_features")
    bias = section.flag("bias", default=True)
    return asdict(DenseSettings(step, *sizes, bias, _DENSE_ACTIVATIONS[activation]))


def _modules(path: Path) -> Sequence[tuple[str, str]]:
    """Return the kind and the folder of each step, in order."""
    try:
        if path.stat().st_size > MAXIMUM_FILE_BYTES:
            raise BadInputError("sentence_modules.too_large", file=path.name)
        entries = json.loads(path.read_text(encoding="utf-8"))
        found = [(str(each["type"]).rpartition(".")[2], str(each["path"])) for each in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError("file.unreadable", path=str(path), reason=reason_of(error)) from error
    known = (_TRANSFORMER, _POOLING, _DENSE, _NORM)
    unknown = [kind for kind, _ in found if kind not in known]
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
