"""Finds what a person means by a model: here, at the hub, or in the hub's cache."""

from __future__ import annotations

from pathlib import Path

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.sources.hub import Hub, unreachable_with_cache
from app.models.sources.hub_cache import cached_snapshot, is_repository_folder, newest_snapshot
from app.models.sources.hub_download import HubDownload
from app.models.sources.hub_errors import HubUnreachableError
from app.models.sources.hub_files import HubFile, single_file
from app.models.sources.model_source import (
    HubCheckpoint,
    HubGguf,
    LocalSource,
    ModelSource,
    repository_name,
)
from app.models.sources.reference import HubReference


def find_source(wanted: Path | HubReference, hub: Hub | None = None) -> ModelSource:
    """Return where a model comes from; a name is looked up at the hub, the usual one by default.

    Where the hub cannot be asked, what is whole in the cache is taken. Raises `ShardloomError`
    where there is nothing to import: a line tells what there is instead.
    """
    if isinstance(wanted, HubReference):
        return _at_hub(wanted, hub or Hub())
    if is_repository_folder(wanted):
        snapshot = newest_snapshot(wanted)
        name = wanted.name.rpartition("--")[2]
        return LocalSource(_weights_in(snapshot, HubReference(name)), name)
    return LocalSource(wanted)


def _at_hub(reference: HubReference, hub: Hub) -> ModelSource:
    try:
        listing = hub.listing(reference)
    except HubUnreachableError as error:
        found = _from_cache(hub, reference, Fact("hub.taken_from_cache", problem=error.fact))
        if found is None:
            raise unreachable_with_cache(error, hub) from error
        return found
    download = HubDownload(hub, listing)
    file = single_file(listing.files, reference)
    if file is not None:
        return HubGguf(download, reference, file)
    return HubCheckpoint(download, reference)


def _from_cache(hub: Hub, reference: HubReference, note: Fact) -> ModelSource | None:
    """Return what was downloaded of a reference; None where that is not all of it."""
    snapshot = cached_snapshot(hub.cache, reference)
    if snapshot is None:
        return None
    try:
        path = _weights_in(snapshot, reference)
    except BadInputError:
        return None
    return LocalSource(path, repository_name(reference) if path.is_dir() else None, note)


def _weights_in(snapshot: Path, reference: HubReference) -> Path:
    """Return what a snapshot in the cache is imported from: the folder, or one file of it."""
    files = [
        HubFile(path.relative_to(snapshot).as_posix(), path.stat().st_size)
        for path in sorted(snapshot.glob("**/*"))
        if path.is_file()
    ]
    file = single_file(files, reference)
    return snapshot if file is None else snapshot / file.name
