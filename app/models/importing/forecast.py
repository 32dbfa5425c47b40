"""What a model will be once it is imported, from its configuration alone: before any download."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from app.core.errors import BadInputError
from app.core.identifiers import BlobHash
from app.core.model import Blob, ModelManifest
from app.models.blocks import BlockAccountant
from app.models.configuration import Configuration
from app.models.families.interface import Family
from app.models.families.registry import decoder_name
from app.models.formats.source import foreseen_family
from app.models.importing.cache_forms import require_form, resized, step_shapes
from app.models.importing.encoding import StoredForm, stored_forms
from app.models.importing.importing import bare_manifest
from app.models.importing.precision import Precision
from app.models.quantization.block_wise import Quantization
from app.models.tensors import StoredTensor, blob_bytes, offsets_of
from workers.protocol.span_shape import RowForm

Block = tuple[Blob, tuple[StoredTensor, ...]]


def forecast(
    name: str, family: Family, quantization: Quantization, cache_rows: RowForm = RowForm.F32
) -> ModelManifest:
    """Return the manifest of an import to come: sizes and costs as they will be, to the byte.

    Its blobs have hashes of their own, which no stored file has. Raises `BadInputError` where the
    family's cache cannot be kept so.
    """
    require_form(family, cache_rows)
    plans = family.plans()
    precision = Precision(plans, quantization)
    blocks = [_block(f"{name}:tables", _tables(family))]
    for index, plan in enumerate(plans):
        forms = [
            form for weight in plan.weights for form in stored_forms(weight, precision.bits(weight))
        ]
        blocks.append(_block(f"{name}:{index}", forms))
    tensors = {tensor.name: tensor for _, stored in blocks for tensor in stored}
    blobs = {blob.sha256: blob for blob, _ in blocks}
    accountant = BlockAccountant(plans, family.dimensions, tensors, blobs)
    manifest = bare_manifest(name, family, quantization, accountant.blocks())
    return resized(manifest, cache_rows, _steps(name, family) if cache_rows.has_steps else None)


def require_foreseen(configuration: Configuration, cache_rows: RowForm) -> None:
    """Raise `BadInputError` where it is known already that a cache cannot be kept in a form."""
    if cache_rows is RowForm.F32:
        return
    family = foreseen_family(configuration)
    if family is None:
        name = decoder_name(configuration) or ""
        raise BadInputError("import.cache_of_other_family", family=name)
    require_form(family, cache_rows)


def _steps(name: str, family: Family) -> Blob:
    """Return the file of a cache's steps."""
    shapes = step_shapes(family.dimensions).items()
    return _block(f"{name}:steps", [StoredForm(each, "float32", shape) for each, shape in shapes])[
        0
    ]


def _tables(family: Family) -> Iterable[StoredForm]:
    for name, values in family.tables().items():
        yield StoredForm(name, str(values.dtype), values.shape)


def _block(name: str, forms: Iterable[StoredForm]) -> Block:
    listed: Sequence[StoredForm] = tuple(forms)
    blob = Blob(BlobHash(hashlib.sha256(name.encode()).hexdigest()), blob_bytes(listed))
    return blob, tuple(
        StoredTensor(form.name, blob.sha256, form.element, form.shape, offset_bytes)
        for form, offset_bytes in zip(listed, offsets_of(listed), strict=True)
    )
