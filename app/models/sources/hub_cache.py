"""What lies in the cache that all programs which use the hub share."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub.constants import HF_HUB_CACHE

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.formats.checkpoint import INDEX_FILE, WEIGHTS_FILE
from app.models.formats.gguf.header import GGUF_SUFFIX
from app.models.formats.model_folder import CONFIGURATION_FILE
from app.models.sources.reference import DEFAULT_REVISION, HubReference

_FOLDER_PREFIX, _SEPARATOR = "models--", "--"
_SNAPSHOTS, _REFS = "snapshots", "refs"
_COMMIT_DIGITS = 40


def default_cache() -> Path:
    """Return where the cache lies: `HF_HUB_CACHE`, `HF_HOME` and XDG's variable decide."""
    return Path(HF_HUB_CACHE)


def repository_folder(cache: Path, repository: str) -> Path:
    """Return where a repository's files lie in the cache, or would."""
    return cache / (_FOLDER_PREFIX + repository.replace("/", _SEPARATOR))


def is_repository_folder(folder: Path) -> bool:
    """Return whether a folder is a repository's in a cache, which holds snapshots of it."""
    return folder.name.startswith(_FOLDER_PREFIX) and (folder / _SNAPSHOTS).is_dir()


def newest_snapshot(folder: Path) -> Path:
    """Return the snapshot of a repository's folder that `main` names, or the newest.

    Raises `BadInputError` where no snapshot is whole.
    """
    snapshots = sorted(
        (path for path in (folder / _SNAPSHOTS).iterdir() if _is_whole(path)),
        key=lambda path: path.stat().st_mtime,
    )
    if not snapshots:
        raise BadInputError("hub.no_whole_download", folder=str(folder))
    named = _commit_of(folder, DEFAULT_REVISION)
    return next((path for path in snapshots if path.name == named), snapshots[-1])


def cached_snapshot(cache: Path, reference: HubReference) -> Path | None:
    """Return the snapshot of a revision, whole for an import of the reference; None without one."""
    folder = repository_folder(cache, reference.repository)
    snapshot = folder / _SNAPSHOTS / (_commit_of(folder, reference.revision) or reference.revision)
    return snapshot if _is_whole(snapshot) else None


def cached_repositories(cache: Path) -> tuple[str, ...]:
    """Return the names of repositories that could be imported without the hub."""
    try:
        folders = sorted(path for path in cache.iterdir() if is_repository_folder(path))
    except OSError:
        return ()
    return tuple(
        folder.name.removeprefix(_FOLDER_PREFIX).replace(_SEPARATOR, "/", 1)
        for folder in folders
        if any(_is_whole(path) for path in (folder / _SNAPSHOTS).iterdir())
    )


def _commit_of(folder: Path, revision: str) -> str | None:
    try:
        commit = (folder / _REFS / revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return commit if len(commit) == _COMMIT_DIGITS and commit.isalnum() else None


def _is_whole(snapshot: Path) -> bool:
    """Return whether all weights are there; a link to bytes that are not is none."""
    if any(path.is_file() for path in snapshot.glob("**/*" + GGUF_SUFFIX)):
        return True
    if not (snapshot / CONFIGURATION_FILE).is_file():
        return False
    if not (snapshot / INDEX_FILE).is_file():
        return (snapshot / WEIGHTS_FILE).is_file()
    try:
        weights = Configuration.from_file(snapshot / INDEX_FILE).section("weight_map")
    except BadInputError:
        return False
    names = set(weights.values.values()) if weights else set()
    return all(isinstance(name, str) and (snapshot / name).is_file() for name in names)
