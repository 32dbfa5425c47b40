"""The models of one home folder: imported, listed, cut into shards."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.model import DEMO_MODEL, Blob, ModelManifest
from app.models.chat.chat_template import ChatTemplate
from app.models.formats.source import open_source
from app.models.formats.tokenizer import TextTokenizer
from app.models.importing.batch_check import with_batches
from app.models.importing.cache_forms import require_form, with_cache_rows
from app.models.importing.cut_check import cut_stable_on
from app.models.importing.import_record import ImportRecord
from app.models.importing.importing import Importer, Progress
from app.models.quantization.block_wise import Quantization
from app.models.sample_text import SampleText
from app.models.shards import Shard, build_shard
from app.models.store import BlobStore
from app.models.stored_model import Quality, StoredModel
from app.models.tracing.computation_graph import ComputationGraph
from app.models.tracing.graph_tracing import trace
from workers.protocol.chain import Span
from workers.protocol.span_shape import RowForm

DEMO_QUANTIZATION = Quantization.F32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(rb"[0-9a-f]{64}")
_SUFFIX = ".json"
_SOURCE_PATTERNS = ("*.json", "*.safetensors")


class Library:
    """Models under `home/models`: one file each, and one store of weights for all.

    Every change is one rename, so that several threads and processes may share a home.
    """

    def __init__(self, home: Path) -> None:
        self.store = BlobStore(home / "models" / "store")
        self._folder = home / "models" / "manifests"
        self._unfinished = home / "models" / "unfinished"
        self._folder.mkdir(parents=True, exist_ok=True)

    def models(self) -> tuple[StoredModel, ...]:
        """Return the usable models by name; `problems` tells of the others."""
        stored = (self._read_or_none(name) for name in self._names())
        return tuple(model for model in stored if model is not None)

    def problems(self) -> tuple[Fact, ...]:
        """Return what is the matter with each model file that cannot be used."""
        found = []
        for name in self._names():
            try:
                self._read(name)
            except BadInputError as error:
                found.append(error.fact)
        return tuple(found)

    def get(self, name: str) -> ModelManifest:
        """Return a model. Raises `BadInputError`, listing the known, where there is none."""
        return self._read(name).manifest

    def rooted(self, name: str) -> ModelManifest:
        """Return a model that has the roots over its weight files: worked out now where need be.

        Raises `BadInputError` as `get` does, `HashMismatchError` where a weight file is damaged.
        """
        model = self._read(name)
        manifest = model.manifest
        if manifest.weights:
            return manifest
        blobs = manifest.blobs
        for blob in blobs:
            self.store.verify(blob)
        weights = tuple(self.store.weight_file(blob) for blob in blobs)
        manifest = replace(manifest, weights=weights, rooted_later=True)
        replace(model, manifest=manifest).write(self._path(name))
        return manifest

    def import_folder(
        self,
        path: Path,
        name: str,
        quantization: str = Quantization.F32,
        progress: Progress | None = None,
        calibration: SampleText | None = None,
        adapter: Path | None = None,
        cache_rows: RowForm = RowForm.F32,
    ) -> ModelManifest:
        """Import a Hugging Face folder or an ONNX file under a name.

        `calibration` is a text to round four bits by, instead of the built-in one, `adapter`
        the folder of an adapter (LoRA) that is merged into it, `cache_rows` how attention is to
        keep keys and values.

        A model of that name is replaced at the end. All or nothing: where it fails the library is
        as before, and the next import of the same files goes on where this one ended. Raises
        `BadInputError`.
        """
        chosen = Quantization.parse(quantization)
        return self._import(path, name, chosen, progress, None, calibration, adapter, cache_rows)

    def delete(self, name: str) -> int:
        """Remove a model and the weights that no other has; return how many bytes that freed.

        What another file names stays, also where that file is of a version that cannot be read
        here, or of an import that may go on. Raises `BadInputError`.
        """
        gone = self._read(name)
        self._path(name).unlink(missing_ok=True)
        named = self._named()
        blobs = _blobs_of(gone.manifest)
        return sum(self.store.remove(blob) for blob in blobs if str(blob.sha256) not in named)

    def require_name(self, name: str) -> None:
        """Raise `BadInputError` where a model could not be called so."""
        self._path(name)

    def ensure_demo(self, asset_folder: Path) -> ModelManifest:
        """Return the demo model, importing it where it is missing, damaged or another version."""
        digest = _digest(asset_folder)
        present = self._read_or_none(DEMO_MODEL)
        if present and present.source_digest == digest and self._is_complete(present.manifest):
            return present.manifest
        return self._import(asset_folder, DEMO_MODEL, DEMO_QUANTIZATION, None, digest)

    def shard(self, manifest: ModelManifest, span: Span) -> Shard:
        """Return the shard of a span, writing its graph into the store where it is not there.

        Raises `BadInputError` for a span that is not there or a model imported anew since.
        """
        return build_shard(self.store, self._same(manifest), span)

    def computation_graph(self, manifest: ModelManifest) -> ComputationGraph:
        """Return the operations of the whole model; no weights are read.

        Raises `BadInputError` for a model imported anew since.
        """
        return trace(self._same(manifest), self.store)

    def quality(self, manifest: ModelManifest) -> Quality | None:
        """Return how well the model predicts text, if that was measured."""
        return self._same(manifest).quality

    def cut_stable_on(self, manifest: ModelManifest) -> str:
        """Return for which numerical class rows are the same however a text is cut, or none."""
        return self._same(manifest).cut_stable_on

    def keep_quality(self, manifest: ModelManifest, quality: Quality) -> None:
        """Keep a measurement with the model. Raises `BadInputError` for one imported anew since."""
        replace(self._same(manifest), quality=quality).write(self._path(manifest.name))

    def tokenizer(self, manifest: ModelManifest) -> TextTokenizer | None:
        """Return the model's tokenizer, or None where it came without one."""
        if manifest.tokenizer is None:
            return None
        self.store.verify(manifest.tokenizer)
        return TextTokenizer.from_file(self.store.path(manifest.tokenizer.sha256))

    def chat_template(self, manifest: ModelManifest) -> ChatTemplate | None:
        """Return how the model wants conversations written, or None where it does not say."""
        blob = manifest.chat_template
        if blob is None:
            return None
        self.store.verify(blob)
        return ChatTemplate.from_json(self.store.path(blob.sha256).read_bytes())

    def _import(
        self,
        path: Path,
        name: str,
        quantization: Quantization,
        progress: Progress | None,
        source_digest: str | None,
        calibration: SampleText | None = None,
        adapter: Path | None = None,
        cache_rows: RowForm = RowForm.F32,
    ) -> ModelManifest:
        target = self._path(name)
        show = progress or _ignore_progress

        def tell(stage: Fact) -> None:
            show(stage, 0, 1)

        with open_source(path, self._unfinished, tell, adapter) as source:
            require_form(source.family, cache_rows)
            record = ImportRecord.open(
                self._unfinished, source.folder, quantization, self.store, calibration
            )
            importer = Importer(
                source.folder, source.family, quantization, self.store, record, calibration
            )
            model = importer.run(name, show, source_digest, source.skeleton)
            if source.batches is not None:
                show(Fact("import.trying_rows"), 0, 1)
                model = with_batches(model, source.batches, self.store)
            model = with_cache_rows(model, self.store, cache_rows)
            model = replace(model, cut_stable_on=cut_stable_on(model, self.store))
            model.write(target)
        record.finish()
        return model.manifest

    def _names(self) -> list[str]:
        return sorted(path.stem for path in self._folder.glob("*" + _SUFFIX))

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise BadInputError("model.name_refused", name=name)
        return self._folder / (name + _SUFFIX)

    def _read(self, name: str) -> StoredModel:
        path = self._path(name)
        if not path.exists():
            raise BadInputError(self._unknown(name))
        return StoredModel.read(path)

    def _unknown(self, name: str) -> Fact:
        known = tuple(self._names())
        if not known:
            return Fact("model.unknown_as_all", model=name)
        return Fact("model.unknown", model=name, known=known)

    def _same(self, manifest: ModelManifest) -> StoredModel:
        model = self._read(manifest.name)
        if _unrooted(model.manifest) != _unrooted(manifest):
            raise BadInputError("model.imported_anew", model=manifest.name)
        return model

    def _read_or_none(self, name: str) -> StoredModel | None:
        try:
            return self._read(name)
        except BadInputError:
            return None

    def _named(self) -> frozenset[str]:
        """Return every hash in the files of models and of unfinished imports, readable or not."""
        folders = (self._folder, self._unfinished)
        paths = [path for folder in folders for path in folder.glob("*" + _SUFFIX)]
        return frozenset(
            found.decode() for path in paths for found in _HASH.findall(path.read_bytes())
        )

    def _is_complete(self, manifest: ModelManifest) -> bool:
        return all(self.store.has(blob) for blob in manifest.blobs)


def _unrooted(manifest: ModelManifest) -> ModelManifest:
    """Return a model without what may be worked out later: it is the same model all the same."""
    return replace(manifest, weights=(), rooted_later=False)


def _ignore_progress(_stage: Fact, _done: int, _total: int) -> None:
    """Show nothing."""


def _blobs_of(manifest: ModelManifest) -> set[Blob]:
    """Return all files of a model but its graphs, which are small and may be another's too."""
    beside = {manifest.tokenizer, manifest.chat_template} - {None}
    return {*manifest.blobs, *(blob for blob in beside if blob is not None)}


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _SOURCE_PATTERNS for path in folder.glob(pattern)):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest() + path.name.encode())
    return digest.hexdigest()
