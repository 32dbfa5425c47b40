"""One file from the hub into the shared cache: gone on with where it was cut, checked at the end.

huggingface_hub itself begins a file anew after an interruption (since its version 1), so the bytes
are fetched here, over its connection, and only then handed to it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import get_hf_file_metadata, get_session, hf_hub_download, hf_hub_url
from huggingface_hub.file_download import try_to_load_from_cache
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import hf_raise_for_status

from app.core.errors import BadInputError, ShardloomError, reason_of
from app.models.sources.hub import ANSWER_TIMEOUT_S, LIBRARY, Hub, HubListing
from app.models.sources.hub_cache import repository_folder
from app.models.sources.hub_errors import CUTS, HubUnreachableError, explained
from app.models.sources.hub_files import HubFile

CHUNK_BYTES = 1 << 20
LOCK_WAIT_S = 1.0
SPARE_BYTES = 64 << 20
"""Left free on the disk."""
_ETAG = re.compile(r"[0-9A-Za-z_-]{1,128}")
_RANGE = re.compile(r"bytes (?P<start>\d+)-\d+/(?P<total>\d+|\*)")

Told = Callable[[int], None]
"""Called with the bytes that are there; an exception from it ends the download, kept as it is."""


@dataclass(frozen=True)
class HubDownload:
    """Downloads files of one repository at one commit."""

    hub: Hub
    listing: HubListing

    def cached(self, file: HubFile) -> Path | None:
        """Return where the file lies, whole, or None where it does not."""
        found = try_to_load_from_cache(
            self.listing.repository, file.name, self.hub.cache, self.listing.commit
        )
        return Path(found) if isinstance(found, str) else None

    def missing_bytes(self, file: HubFile) -> int:
        """Return how much is still to be downloaded, a part that is there already apart."""
        if self.cached(file):
            return 0
        name = file.sha256 or file.git_sha1
        partial = self._blobs / f"{name}.incomplete"
        present = partial.stat().st_size if name and partial.is_file() else 0
        return max(file.size_bytes - present, 0)

    def fetch(self, file: HubFile, told: Told) -> Path:
        """Return the file's place in the cache, downloading what lacks.

        What has come stays where this is interrupted, and the next call goes on behind it. Raises
        `ShardloomError` where the hub, the disk or the content fails.
        """
        present = self.cached(file)
        if present is None:
            with self._told_plainly(file):
                with self._partial(file) as partial:
                    self._complete(file, partial, told, file.size_bytes)
                    self._verify(file, partial)
                    partial.replace(partial.with_suffix(""))
                present = self._handed_over(file.name, self.listing.commit)
        told(file.size_bytes)
        return present

    def beginning(self, file: HubFile, size_bytes: int) -> Path:
        """Return a file that holds at least so many bytes of the file's beginning."""
        present = self.cached(file)
        if present is None:
            with self._told_plainly(file), self._partial(file) as partial:
                self._complete(file, partial, _ignore, min(size_bytes, file.size_bytes))
                present = partial
        return present

    def require_space(self, lacking_bytes: int) -> None:
        """Raise `ShardloomError` with both figures where the disk has no room for so much."""
        free_bytes = shutil.disk_usage(self._blobs).free
        if free_bytes < lacking_bytes + SPARE_BYTES:
            raise ShardloomError(
                "hub.disk_full",
                needed=lacking_bytes + SPARE_BYTES,
                free=free_bytes,
                folder=str(self.hub.cache),
            )

    def remember(self, revision: str, file: HubFile) -> None:
        """Note in the cache which commit a revision is, for when the hub cannot be asked."""
        with self._told_plainly(file):
            self._handed_over(file.name, revision)

    @property
    def _blobs(self) -> Path:
        return repository_folder(self.hub.cache, self.listing.repository) / "blobs"

    @contextmanager
    def _told_plainly(self, file: HubFile) -> Iterator[None]:
        try:
            with explained(f"{self.listing.repository}:{file.name}", self.hub.endpoint):
                yield
        except OSError as error:
            raise ShardloomError(
                "hub.not_kept",
                file=file.name,
                folder=str(self.hub.cache),
                reason=reason_of(error),
            ) from error

    @contextmanager
    def _partial(self, file: HubFile) -> Iterator[Path]:
        """Yield the place where the file grows, held for this process alone."""
        etag = self._etag(file)
        locks = repository_folder(self.hub.cache / ".locks", self.listing.repository)
        for folder in (locks, self._blobs):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(locks / f"{etag}.lock", timeout=LOCK_WAIT_S):
                yield self._blobs / f"{etag}.incomplete"
        except Timeout:
            name = f"{self.listing.repository}:{file.name}"
            raise ShardloomError("hub.downloaded_elsewhere", file=name) from None

    def _etag(self, file: HubFile) -> str:
        """Return the name that the library gives the file's content in the cache."""
        metadata = self.hub.patiently(
            lambda: get_hf_file_metadata(
                self._url(file), timeout=ANSWER_TIMEOUT_S, library_name=LIBRARY, headers=None
            )
        )
        if metadata.commit_hash != self.listing.commit or not _ETAG.fullmatch(metadata.etag or ""):
            raise HubUnreachableError("hub.no_hub", address=self.hub.endpoint)
        return str(metadata.etag)

    def _url(self, file: HubFile) -> str:
        return hf_hub_url(
            self.listing.repository,
            file.name,
            revision=self.listing.commit,
            endpoint=self.hub.endpoint,
        )

    def _complete(self, file: HubFile, path: Path, told: Told, wanted: int) -> None:
        """Download what lacks of the first `wanted` bytes, however often the connection is cut.

        It ends with the last of several attempts in a row that brought nothing.
        """
        path.touch()
        while (present := path.stat().st_size) < wanted:
            self.require_space(wanted - present)
            self.hub.patiently(lambda: self._receive(file, path, told, wanted), through_cuts=True)

    def _receive(self, file: HubFile, path: Path, told: Told, wanted: int) -> None:
        """Append what one answer brings; raises where that is nothing."""
        with path.open("ab") as partial:
            start = partial.tell()
            headers = build_hf_headers(library_name=LIBRARY) | {
                "Accept-Encoding": "identity",
                "Range": f"bytes={start}-{wanted - 1}",
            }
            cut: httpx2.TransportError = httpx2.RemoteProtocolError("the answer is empty")
            try:
                with get_session().stream(
                    "GET", self._url(file), headers=headers, timeout=ANSWER_TIMEOUT_S
                ) as response:
                    hf_raise_for_status(response)
                    self._take(response, partial, start, file.size_bytes, told)
            except CUTS as error:
                cut = error
            if partial.tell() <= start:
                raise cut

    def _take(
        self, response: httpx2.Response, partial: BinaryIO, start: int, size: int, told: Told
    ) -> None:
        if response.status_code != httpx2.codes.PARTIAL_CONTENT:
            partial.truncate(0)  # the whole file comes: ranges are not known there
            start = 0
        elif not _is_range(response.headers.get("Content-Range", ""), start, size):
            raise HubUnreachableError("hub.no_hub", address=self.hub.endpoint)
        done = start
        for chunk in response.iter_bytes():  # as they come: what a chunker holds is lost by a cut
            done += len(chunk)
            if done > size:
                raise HubUnreachableError("hub.no_hub", address=self.hub.endpoint)
            partial.write(chunk)
            told(done)

    def _verify(self, file: HubFile, path: Path) -> None:
        """Refuse bytes that are not the ones listed, and forget them."""
        if file.sha256:
            digest, expected = hashlib.sha256(), file.sha256
        elif file.git_sha1:
            digest, expected = hashlib.sha1(usedforsecurity=False), file.git_sha1
            digest.update(b"blob %d\0" % file.size_bytes)
        else:
            return
        with path.open("rb") as content:
            while piece := content.read(CHUNK_BYTES):
                digest.update(piece)
        if digest.hexdigest() != expected:
            path.unlink()
            raise BadInputError("hub.damaged", file=f"{self.listing.repository}:{file.name}")

    def _handed_over(self, name: str, revision: str) -> Path:
        return Path(
            hf_hub_download(
                self.listing.repository,
                name,
                revision=revision,
                cache_dir=self.hub.cache,
                endpoint=self.hub.endpoint,
                etag_timeout=ANSWER_TIMEOUT_S,
                library_name=LIBRARY,
            )
        )


def _is_range(header: str, start: int, size: int) -> bool:
    found = _RANGE.fullmatch(header)
    if found is None:
        return False
    return int(found["start"]) == start and found["total"] in (str(size), "*")


def _ignore(_done: int) -> None:
    """Tell nobody."""
