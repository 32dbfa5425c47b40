"""Low-rank adapters as peft saves them (LoRA, Hu et al. 2022, section 4): `W + scale * B A`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from safetensors import SafetensorError, safe_open

from app.core.errors import BadInputError, reason_of
from app.models.configuration import Configuration, shown
from app.models.formats.model_folder import Float32Array

ADAPTER_FILE: Final = "adapter_config.json"
ADAPTER_WEIGHTS: Final = "adapter_model.safetensors"
_PREFIX: Final = "base_model.model."
_FACTOR: Final = re.compile(r"(.+)\.lora_(A|B|embedding_A|embedding_B)(?:\.default)?(?:\.weight)?")
_UNREAD: Final = ("use_dora", "lora_bias", "use_qalora", "alora_invocation_tokens")
_MOST_RANK: Final = 4096


@dataclass(frozen=True)
class LowRank:
    """What is added to a matrix [rows, columns]: `high` [rows, rank] times `low` [rank, columns].

    The scale is in `high` already.
    """

    low: Float32Array
    high: Float32Array
    turned: bool = False
    """Whether the base stores the matrix as [columns, rows]."""

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the matrix that it is added to."""
        return len(self.high), self.low.shape[1]

    @property
    def stored_shape(self) -> tuple[int, int]:
        """Shape of that matrix as the base stores it."""
        rows, columns = self.shape
        return (columns, rows) if self.turned else (rows, columns)

    def rows(self, first: int, after: int) -> Float32Array:
        """Return what is added to some rows."""
        return self.high[first:after] @ self.low


@dataclass(frozen=True)
class Adapter:
    """An adapter's changes by the tensors of the base: sums, and tensors that are replaced."""

    folder: Path
    base: str
    """What its configuration calls the model that it was trained on."""
    sums: Mapping[str, LowRank]
    replaced: Mapping[str, Float32Array]

    @property
    def targets(self) -> frozenset[str]:
        """The tensors of the base that it changes."""
        return frozenset(self.sums) | frozenset(self.replaced)

    @classmethod
    def read(cls, folder: Path) -> Adapter:
        """Read a folder. Raises `BadInputError` where it holds no adapter or one not read here."""
        settings = adapter_settings(folder)
        factors: dict[str, dict[str, Float32Array]] = {}
        replaced: dict[str, Float32Array] = {}
        for name, values in _tensors(folder / ADAPTER_WEIGHTS):
            if not np.isfinite(values).all():
                raise BadInputError("tensor.not_finite", tensor=name)
            found = _FACTOR.fullmatch(name)
            if found:
                factors.setdefault(found[1], {})[found[2]] = values
            elif ".lora_" in name:
                raise BadInputError("adapter.tensor_unknown", tensor=name)
            else:
                replaced[name.replace(".modules_to_save", "")] = values
        sums = {
            f"{module}.weight": _low_rank(module, parts, settings)
            for module, parts in factors.items()
        }
        base = str(settings.values.get("base_model_name_or_path") or "")
        return cls(folder, base, sums, replaced)


def adapter_settings(folder: Path) -> Configuration:
    """Return what an adapter says of itself; raises `BadInputError` for a kind not read here."""
    settings = Configuration.from_file(folder / ADAPTER_FILE)
    kind = settings.values.get("peft_type")
    if kind != "LORA":
        raise BadInputError("adapter.kind_unread", kind=shown(kind))
    for field in _UNREAD:
        if settings.values.get(field):
            raise BadInputError("adapter.kind_unread", kind=field)
    return settings


def _low_rank(module: str, parts: Mapping[str, Float32Array], settings: Configuration) -> LowRank:
    """Return one matrix's sum from its two factors."""
    embedding = "embedding_A" in parts
    first, second = ("embedding_A", "embedding_B") if embedding else ("A", "B")
    low, high = parts.get(first), parts.get(second)
    if low is None or high is None or low.ndim != 2 or high.ndim != 2:
        raise BadInputError("adapter.factors_lack", module=module)
    rank = len(low)
    if high.shape[1] != rank or not 0 < rank <= _MOST_RANK:
        raise BadInputError("adapter.factors_lack", module=module)
    scale = np.float32(_scale(module, rank, settings))
    if embedding:
        return LowRank(np.ascontiguousarray(high.T), np.ascontiguousarray(low.T) * scale)
    turned = settings.flag("fan_in_fan_out", default=False)
    return LowRank(low, high * scale, turned)


def _scale(module: str, rank: int, settings: Configuration) -> float:
    patterns = settings.section("alpha_pattern")
    alpha = settings.number("lora_alpha", 8.0)
    for pattern in patterns.values if patterns else ():
        if module == pattern or module.endswith("." + pattern):
            alpha = (patterns or settings).number(pattern)
    stable = settings.flag("use_rslora", default=False)
    return alpha / (float(np.sqrt(rank)) if stable else rank)


def _tensors(path: Path) -> Iterator[tuple[str, Float32Array]]:
    """Yield the tensors of an adapter's file without the words that peft puts before a name."""
    if not path.is_file():
        raise BadInputError("weights.missing", folder=str(path.parent), file=path.name)
    try:
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                values = file.get_tensor(name)
                yield name.removeprefix(_PREFIX), np.asarray(values).astype(np.float32)
    except (SafetensorError, OSError) as error:
        raise BadInputError(
            "weights.damaged_file", file=path.name, reason=reason_of(error)
        ) from error
