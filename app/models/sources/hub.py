"""The model hub: what a repository holds, which repositories there are.

It is huggingface_hub's: `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE` and the place of the cache are
read by that library.
"""

from __future__ import annotations

import difflib
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from huggingface_hub import HfApi, get_session
from huggingface_hub.constants import ENDPOINT
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import hf_raise_for_status

from app.core.errors import ShardloomError
from app.core.identifiers import SHA256_FORM
from app.models.sources.hub_cache import cached_repositories, default_cache
from app.models.sources.hub_errors import (
    HubUnknownError,
    HubUnreachableError,
    explained,
    is_passing,
    retry_after_s,
    with_offers,
)
from app.models.sources.hub_files import MAXIMUM_FILES, HubFile
from app.models.sources.reference import HubReference

LIBRARY = "shardloom"
"""What the hub is told of who asks."""
ANSWER_TIMEOUT_S = 10.0
ATTEMPTS = 4
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
"""A hub that asks to wait longer is told of instead."""
OFFERED = 5
_COMMIT = re.compile(r"[0-9a-f]{40}")

Result = TypeVar("Result")


@dataclass(frozen=True)
class HubListing:
    """A repository at one commit."""

    repository: str
    commit: str
    files: tuple[HubFile, ...]


@dataclass(frozen=True)
class HubModel:
    """A repository as a search shows it; `pipeline` is the hub's word for what it does."""

    repository: str
    pipeline: str
    downloads: int
    likes: int
    gated: bool


class Hub:
    """One hub and the cache for what comes from it; what is not given, the library decides.

    `pause` waits so many seconds between two attempts.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        cache: Path | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        self.endpoint = endpoint or ENDPOINT
        self.cache = cache or default_cache()
        self._api = HfApi(self.endpoint, library_name=LIBRARY)
        self._pause = pause

    def listing(self, reference: HubReference) -> HubListing:
        """Return what a repository holds.

        Raises `HubUnreachableError` where the hub cannot be asked, and `BadInputError` where it has
        no such repository: similar names are offered.
        """
        try:
            with explained(_without_file(reference), self.endpoint):
                info = self.patiently(
                    lambda: self._api.model_info(
                        reference.repository,
                        revision=reference.revision,
                        files_metadata=True,
                        timeout=ANSWER_TIMEOUT_S,
                    )
                )
                return _listing(reference.repository, info)
        except HubUnknownError as error:
            raise with_offers(error, "hub.similar", self._similar(reference)) from None

    def search(self, words: str, limit: int) -> tuple[HubModel, ...]:
        """Return models with the words in their names, the most downloaded first."""
        with explained(words, self.endpoint):
            found = self.patiently(lambda: self._search(words, limit))
            return tuple(_hub_model(each) for each in found[:limit])

    def cached(self) -> tuple[str, ...]:
        """Return the repositories that need no hub any more."""
        return cached_repositories(self.cache)

    def patiently(self, ask: Callable[[], Result], *, through_cuts: bool = False) -> Result:
        """Return what the hub answers, asked again where it was busy.

        With `through_cuts` also where the connection was cut; without, a hub that cannot be reached
        is known after one attempt.
        """
        wait_s = FIRST_WAIT_S
        for _ in range(1, ATTEMPTS):
            try:
                return ask()
            except Exception as error:
                told_s = retry_after_s(error)
                if not is_passing(error, cuts=through_cuts):
                    raise
                if (told_s or 0) > LONGEST_WAIT_S:
                    raise
                self._pause(wait_s if told_s is None else told_s)
                wait_s *= 2
        return ask()

    def _search(self, words: str, limit: int) -> list[dict[str, Any]]:
        """Ask by ourselves: the library's own search would wait for an answer without end."""
        response = get_session().get(
            f"{self.endpoint}/api/models",
            params={"search": words, "sort": "downloads", "direction": "-1", "limit": limit},
            headers=build_hf_headers(library_name=LIBRARY),
            timeout=ANSWER_TIMEOUT_S,
        )
        hf_raise_for_status(response)
        found = response.json()
        if not isinstance(found, list):
            raise TypeError  # told as what is no hub's answer
        return found

    def _similar(self, reference: HubReference) -> tuple[str, ...]:
        """Return names like this one, from the cache and the hub; none where that fails too."""
        name = reference.repository.rpartition("/")[2]
        near = difflib.get_close_matches(reference.repository, self.cached(), OFFERED)
        try:
            found = [model.repository for model in self.search(name, OFFERED)]
        except ShardloomError:
            found = []
        others = dict.fromkeys([*near, *found])
        others.pop(reference.repository, None)
        return tuple(others)[:OFFERED]


def unreachable_with_cache(error: HubUnreachableError, hub: Hub) -> ShardloomError:
    """Return the error with what can be imported all the same."""
    return with_offers(error, "hub.cached", hub.cached())


def _listing(repository: str, info: ModelInfo) -> HubListing:
    siblings = info.siblings or []
    commit = info.sha or ""
    if not _COMMIT.fullmatch(commit) or len(siblings) > MAXIMUM_FILES:
        raise TypeError  # told as what is no hub's answer
    return HubListing(repository, commit, tuple(_files(siblings)))


def _files(siblings: Iterable[object]) -> Iterable[HubFile]:
    """Yield the files; one with a name that leads elsewhere or without a size is left out."""
    for sibling in siblings:
        name, size = getattr(sibling, "rfilename", None), getattr(sibling, "size", None)
        if not isinstance(name, str) or not isinstance(size, int) or size < 0:
            continue
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or str(path) != name:
            continue
        lfs = getattr(sibling, "lfs", None)
        yield HubFile(
            name,
            size,
            sha256=_digest(SHA256_FORM, getattr(lfs, "sha256", None)),
            git_sha1=_digest(_COMMIT, getattr(sibling, "blob_id", None)),
        )


def _digest(form: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and form.fullmatch(value) else None


def _hub_model(fields: Mapping[str, Any]) -> HubModel:
    return HubModel(
        str(fields["id"]),
        str(fields.get("pipeline_tag") or ""),
        int(fields.get("downloads") or 0),
        int(fields.get("likes") or 0),
        bool(fields.get("gated")),
    )


def _without_file(reference: HubReference) -> str:
    return str(HubReference(reference.repository, reference.revision))
