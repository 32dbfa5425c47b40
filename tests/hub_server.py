"""A model hub on loopback: the paths that huggingface_hub asks for, over real HTTP.

Laid out as huggingface.co answers: listings under /api/models, files behind a redirect to a second
host for large ones, ETag and X-Repo-Commit headers, 401 for what is not shown.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

LARGE_BYTES = 1 << 14
"""Files from this length on are kept apart, as Git LFS does."""
TOKEN = "hf_a_token_of_the_tests"  # noqa: S105 - nobody else takes it
_RESOLVE = re.compile(r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
_API = re.compile(r"/api/models/(?P<repository>[^/]+/[^/]+)/revision/(?P<revision>.+)")
_RANGE = re.compile(r"bytes=(?P<start>\d+)-(?P<end>\d*)")


@dataclass
class Repository:
    """One model; `gated` shows it to nobody without accepted terms, `private` without a token."""

    files: dict[str, bytes]
    gated: bool = False
    private: bool = False
    revisions: tuple[str, ...] = ("main",)

    @property
    def commit(self) -> str:
        content = b"".join(name.encode() + data for name, data in sorted(self.files.items()))
        return hashlib.sha1(content, usedforsecurity=False).hexdigest()

    @classmethod
    def of_folder(cls, folder: Path) -> Repository:
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return cls({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})


@dataclass
class Troubles:
    """What goes wrong from now on."""

    cut_after_bytes: int | None = None
    """Each answer with a large file's content ends there, the connection with it."""
    failing: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers for the next requests, whatever they ask."""
    ignores_ranges: bool = False
    flips_a_byte: bool = False
    wrong_range: bool = False
    mute: bool = False
    """Takes requests and never answers."""


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    range: str | None
    token: str | None
    at_store: bool


class HubServer:
    """Two servers of one hub: its pages, and the store that large files are redirected to."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.troubles = Troubles()
        self.asked: list[Asked] = []
        self.released = threading.Event()
        self._pages = _Server(self, at_store=False)
        self._store = _Server(self, at_store=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._pages.server_port}"

    @property
    def store(self) -> str:
        return f"http://localhost:{self._store.server_port}"

    def sent_bytes(self, file: str) -> int:
        """Bytes that were sent of a file's content, all answers together."""
        return self._store.sent.get(file, 0) + self._pages.sent.get(file, 0)

    def gets(self, file: str) -> list[Asked]:
        return [one for one in self.asked if one.method == "GET" and one.path.endswith("/" + file)]

    @contextmanager
    def running(self) -> Iterator[HubServer]:
        servers = (self._pages, self._store)
        threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,)) for server in servers
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.released.set()
            for server in servers:
                server.shutdown()
                server.server_close()
            for thread in threads:
                thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: HubServer, *, at_store: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        self.at_store = at_store
        self.sent: dict[str, int] = {}

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none of the server's business."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Stay silent."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, parts = self.server.hub, urlsplit(self.path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
        path = unquote(parts.path)
        asked = Asked(self.command, path, self.headers.get("Range"), token, self.server.at_store)
        hub.asked.append(asked)
        if hub.troubles.mute:
            hub.released.wait(30)
            return
        if hub.troubles.failing:
            status, headers = hub.troubles.failing.pop(0)
            self._send(status, b"", headers)
        elif self.server.at_store:
            self._send_content(path)
        elif path == "/api/models":
            self._search(parse_qs(parts.query))
        elif found := _API.fullmatch(path):
            self._list(found["repository"], found["revision"], token)
        elif found := _RESOLVE.fullmatch(path):
            self._resolve(found["repository"], found["revision"], found["file"], token)
        else:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _repository(self, name: str, revision: str, token: str | None) -> Repository | None:
        """Return what is shown to the asker; otherwise answer with the refusal."""
        repository = self.server.hub.repositories.get(name)
        if token not in (None, TOKEN):
            message = "Invalid credentials in Authorization header"
            self._send(401, b"", {"X-Error-Message": message})
        elif repository is None or (repository.private and token is None):
            status = 404 if token else 401
            self._send(status, b"", {"X-Error-Code": "RepoNotFound"})
        elif repository.gated:
            self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        elif revision not in (*repository.revisions, repository.commit):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            return repository
        return None

    def _list(self, name: str, revision: str, token: str | None) -> None:
        repository = self._repository(name, revision, token)
        if repository is None:
            return
        siblings = [_sibling(file, data) for file, data in sorted(repository.files.items())]
        self._send_json({"id": name, "sha": repository.commit, "siblings": siblings})

    def _search(self, query: dict[str, list[str]]) -> None:
        words = query.get("search", [""])[0].lower().split()
        found = [
            {"id": name, "pipeline_tag": "text-generation", "downloads": 10, "likes": 1}
            for name in self.server.hub.repositories
            if all(word in name.lower() for word in words)
        ]
        self._send_json(found[: int(query.get("limit", ["20"])[0])])

    def _resolve(self, name: str, revision: str, file: str, token: str | None) -> None:
        repository = self._repository(name, revision, token)
        if repository is None:
            return
        data = repository.files.get(file)
        commit = {"X-Repo-Commit": repository.commit}
        if data is None:
            self._send(404, b"", commit | {"X-Error-Code": "EntryNotFound"})
        elif len(data) < LARGE_BYTES:
            self._send_file(file, data, commit | {"ETag": f'"{_git_sha1(data)}"'})
        else:
            linked = {
                "Location": f"{self.server.hub.store}/{name}/{file}",
                "X-Linked-Size": str(len(data)),
                "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
            }
            self._send(302, b"", commit | linked)

    def _send_content(self, path: str) -> None:
        owner, name, file = path.lstrip("/").split("/", 2)
        repository = self.server.hub.repositories[f"{owner}/{name}"]
        self._send_file(file, repository.files[file], {})

    def _send_file(self, file: str, data: bytes, headers: dict[str, str]) -> None:
        troubles = self.server.hub.troubles
        if troubles.flips_a_byte and len(data) >= LARGE_BYTES:
            data = data[:-1] + bytes([data[-1] ^ 1])
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if asked is None or troubles.ignores_ranges:
            self._send(200, data, headers, file)
            return
        start, end = int(asked["start"]), int(asked["end"] or len(data) - 1)
        if start >= len(data):
            self._send(416, b"", headers | {"Content-Range": f"bytes */{len(data)}"})
            return
        shown = start + 1 if troubles.wrong_range else start
        part = data[start : end + 1]
        place = {"Content-Range": f"bytes {shown}-{start + len(part) - 1}/{len(data)}"}
        self._send(206, part, headers | place, file)

    def _send_json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str], file: str = "") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.server.hub.troubles.cut_after_bytes
        whole = cut is None or len(body) < LARGE_BYTES
        sent = body if whole else body[:cut]
        self.wfile.write(sent)
        self.server.sent[file] = self.server.sent.get(file, 0) + len(sent)
        self.close_connection = not whole


def _sibling(file: str, data: bytes) -> dict[str, object]:
    described: dict[str, object] = {"rfilename": file, "size": len(data)}
    described["blobId"] = _git_sha1(data)
    if len(data) >= LARGE_BYTES:
        sha256 = hashlib.sha256(data).hexdigest()
        described["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 133}
    return described


def _git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
