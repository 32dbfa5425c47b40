"""An imported model on disk: its manifest and what the graph builder needs to know, as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.core.identifiers import BlobHash
from app.core.model import (
    Blob,
    Block,
    BlockKind,
    Eyes,
    ModelManifest,
    ModelTask,
    Scoring,
    Sight,
)
from app.models.configuration import Configuration
from app.models.files import write_whole
from app.models.tensors import StoredTensor
from workers.identity.weight_tree import WeightFile
from workers.protocol.span_shape import RowForm

FORMAT_VERSION = 1
"""Raised whenever the file or the layout of the blobs changes."""
_HEXADECIMAL = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Quality:
    """Perplexity on a text; `float32_perplexity` is that of the model before quantisation."""

    text: str
    predicted_tokens: int
    perplexity: float
    float32_perplexity: float | None


@dataclass(frozen=True)
class StoredModel:
    """`configuration` is the checkpoint's own; `tensors` are all tensors in all blobs, by name.

    `source_digest` identifies the files it was imported from, where it was asked for; `quality` is
    the newest measurement. `skeleton` is the graph of a model that was cut instead of built.
    """

    manifest: ModelManifest
    configuration: Mapping[str, object]
    tensors: Mapping[str, StoredTensor]
    source_digest: str | None = None
    quality: Quality | None = None
    skeleton: Blob | None = None
    cut_stable_on: str = ""
    """The numerical class for which rows were found the same however a text is cut, or none."""

    def write(self, path: Path) -> None:
        """Write the model's file in one step."""
        model = {
            "manifest": asdict(self.manifest),
            "configuration": self.configuration,
            "tensors": [asdict(tensor) for tensor in self.tensors.values()],
            "source_digest": self.source_digest,
            "quality": asdict(self.quality) if self.quality else None,
            "skeleton": asdict(self.skeleton) if self.skeleton else None,
            "cut_stable_on": self.cut_stable_on,
        }
        content = {"format": FORMAT_VERSION, "digest": _digest(model), "model": model}
        write_whole(path, [json.dumps(content, indent=1).encode()])

    @classmethod
    def read(cls, path: Path) -> StoredModel:
        """Read a model's file. Raises `BadInputError` where it is damaged or of another version."""
        content = Configuration.from_file(path).values
        version = content.get("format")
        if version != FORMAT_VERSION:
            raise BadInputError(_other_version(path, version))
        model = content.get("model")
        if not isinstance(model, dict) or content.get("digest") != _digest(model):
            raise BadInputError("model_file.damaged", file=path.name)
        try:
            return cls._from_fields(model)
        except (BadInputError, KeyError, TypeError, ValueError) as error:
            raise BadInputError(
                "model_file.unusable", file=path.name, reason=reason_of(error)
            ) from error

    @classmethod
    def _from_fields(cls, fields: Mapping[str, Any]) -> StoredModel:
        tensors = [tensor_of(tensor) for tensor in fields["tensors"]]
        return cls(
            _manifest(fields["manifest"]),
            dict(fields["configuration"]),
            {tensor.name: tensor for tensor in tensors},
            fields["source_digest"],
            Quality(**quality) if (quality := fields.get("quality")) else None,
            blob_of(skeleton) if (skeleton := fields.get("skeleton")) else None,
            str(fields.get("cut_stable_on", "")),
        )


def _digest(model: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()


def _other_version(path: Path, version: object) -> Fact:
    if isinstance(version, int) and version > FORMAT_VERSION:
        return Fact("model_file.newer", file=path.name)
    return Fact("model_file.version_unknown", file=path.name)


def _manifest(fields: Mapping[str, Any]) -> ModelManifest:
    return ModelManifest(
        **{
            **fields,
            "end_tokens": tuple(fields["end_tokens"]),
            "answer_begins_with": tuple(fields.get("answer_begins_with", ())),
            "blocks": tuple(_block(block) for block in fields["blocks"]),
            "tokenizer": _blob_or_none(fields["tokenizer"]),
            "task": ModelTask(fields.get("task", ModelTask.GENERATION)),
            "labels": tuple(fields.get("labels", ())),
            "scoring": Scoring(fields.get("scoring", Scoring.SOFTMAX)),
            "chat_template": _blob_or_none(fields.get("chat_template")),
            "weights": tuple(_weight_file(each) for each in fields.get("weights", ())),
            "eyes": _eyes(fields.get("eyes")),
            "cache_rows": RowForm(fields.get("cache_rows", RowForm.F32)),
        }
    )


def _blob_or_none(fields: Mapping[str, Any] | None) -> Blob | None:
    return None if fields is None else blob_of(fields)


def _eyes(fields: Mapping[str, Any] | None) -> Eyes | None:
    return None if fields is None else Eyes(**{**fields, "sight": Sight(fields["sight"])})


def _block(fields: Mapping[str, Any]) -> Block:
    blobs = tuple(blob_of(blob) for blob in fields["blobs"])
    return Block(**{**fields, "kind": BlockKind(fields["kind"]), "blobs": blobs})


def _weight_file(fields: Mapping[str, Any]) -> WeightFile:
    size_bytes = int(fields["size_bytes"])
    return WeightFile(_hash(fields["sha256"]), size_bytes, _hash(fields["root"]))


def blob_of(fields: Mapping[str, Any]) -> Blob:
    """Return a blob from its fields.

    Raises `BadInputError`, `KeyError`, `TypeError` or `ValueError`.
    """
    return Blob(_hash(fields["sha256"]), int(fields["size_bytes"]))


def tensor_of(fields: Mapping[str, Any]) -> StoredTensor:
    """Return a tensor from its fields.

    Raises `BadInputError`, `KeyError`, `TypeError` or `ValueError`.
    """
    blob, shape = _hash(fields["blob"]), tuple(int(size) for size in fields["shape"])
    return StoredTensor(**{**fields, "blob": blob, "shape": shape})


def _hash(text: str) -> BlobHash:
    if len(text) != 64 or not set(text) <= _HEXADECIMAL:
        raise BadInputError("blob.not_a_hash", text=text)
    return BlobHash(text)
