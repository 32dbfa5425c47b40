"""What a model will be once it is imported, from its configuration alone: before any download."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from app.core.identifiers import BlobHash
from app.core.model import Blob, ModelManifest
from app.models.blocks import BlockAccountant
from app.models.families.interface import Family
from app.models.importing.encoding import StoredForm, stored_forms
from app.models.importing.importing import bare_manifest
from app.models.importing.precision import Precision
from app.models.quantization.block_wise import Quantization
from app.models.tensors import StoredTensor, blob_bytes, offsets_of

Block = tuple[Blob, tuple[StoredTensor, ...]]


def forecast(name: str, family: Family, quantization: Quantization) -> ModelManifest:
    """Return the manifest of an import to come: sizes and costs as they will be, to the byte.

    Its blobs have hashes of their own, which no stored file has.
    """
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
    return bare_manifest(name, family, quantization, accountant.blocks())


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
