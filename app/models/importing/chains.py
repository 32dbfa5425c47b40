"""What the import of a model of two chains adds: graphs of what is kept, and how answers begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.core.errors import BadInputError
from app.core.model import Block, BlockKind, Eyes
from app.models.configuration import Configuration
from app.models.families.interface import Family
from app.models.families.paired import PairedModel
from app.models.families.seeing import SeeingModel
from app.models.formats.model_folder import GENERATION_FILE, ModelFolder
from app.models.store import BlobStore
from app.models.tensors import StoredTensor

_FIELDS = ("decoder_start_token_id", "forced_bos_token_id")
"""The first is given to the decoder, the second is what its answer then has to begin with."""


def encoder_layers_of(family: Family) -> int:
    """Return how many layers are an encoder's before a decoder; 0 of a model of one chain."""
    return family.encoder_layers if isinstance(family, PairedModel | SeeingModel) else 0


def eyes_of(family: Family) -> Eyes | None:
    """Return how pictures come; None of a model that does not see."""
    return family.tower.eyes if isinstance(family, SeeingModel) else None


def with_source_graphs(
    family: Family,
    blocks: tuple[Block, ...],
    tensors: Mapping[str, StoredTensor],
    store: BlobStore,
) -> tuple[Block, ...]:
    """Return the blocks, a decoder's with the graph of what it keeps of the encoder's result."""
    if not isinstance(family, PairedModel):
        return blocks
    layers = iter(range(family.dimensions.layer_count))
    made = []
    for block in blocks:
        layer = next(layers) if block.kind is BlockKind.LAYER else -1
        if layer >= family.encoder_layers:
            graph = store.put_bytes(family.source_graph(tensors, layer))
            block = replace(block, blobs=(*block.blobs, graph))  # noqa: PLW2901 - the same with more
        made.append(block)
    return tuple(made)


def begins_with(folder: ModelFolder, family: Family) -> tuple[int, ...]:
    """Return the tokens that an answer begins with; none of a model of one chain.

    Raises `BadInputError` where the files do not say with which.
    """
    if not isinstance(family, PairedModel):
        return ()
    found: dict[str, tuple[int, ...]] = dict.fromkeys(_FIELDS, ())
    for configuration in (folder.configuration, _generation(folder)):
        found |= {name: each for name in _FIELDS if (each := configuration.tokens(name))}
    start = found[_FIELDS[0]] or folder.configuration.tokens("pad_token_id")
    if not start:
        raise BadInputError("configuration.field_lacking", field=_FIELDS[0])
    return (start[0], *found[_FIELDS[1]][:1])


def _generation(folder: ModelFolder) -> Configuration:
    path = folder.folder / GENERATION_FILE
    return Configuration.from_file(path) if path.is_file() else Configuration({})
