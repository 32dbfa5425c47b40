"""Which family computes a stored model: one that is built directly, or its own graph, cut."""

from __future__ import annotations

from app.models.configuration import Configuration
from app.models.cutting.decoder import CutDecoder
from app.models.cutting.skeleton import Skeleton
from app.models.families.interface import Family
from app.models.families.registry import family_of
from app.models.store import BlobStore
from app.models.stored_model import StoredModel


def architecture_of(model: StoredModel, store: BlobStore) -> Family:
    """Return the model's family.

    Raises `BadInputError` for an unknown one and `HashMismatchError` for a damaged graph.
    """
    configuration = Configuration(model.configuration)
    if model.skeleton is None:
        return family_of(configuration)
    store.verify(model.skeleton)
    content = store.path(model.skeleton.sha256).read_bytes()
    return CutDecoder(Skeleton.parse(content), configuration)


def takes_batches(family: Family) -> bool:
    """Return whether rows of several sequences go through a family's graph together."""
    return not isinstance(family, CutDecoder) or family.takes_batches
