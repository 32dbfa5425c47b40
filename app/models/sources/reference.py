"""What a person calls a model: a path, or a name at the hub with what may stand behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import BadInputError

DEFAULT_REVISION = "main"
PREFIX = "hf:"
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_REFERENCE = re.compile(
    rf"(?P<repository>(?:{_PART}/)?{_PART})(?:@(?P<revision>[\w./-]{{1,200}}))?(?::(?P<file>.{{1,500}}))?"
)
_ADDRESS = re.compile(
    r"https?://[^/]+/(?P<repository>[^/]+/[^/]+)"
    r"(?:/(?:tree|blob|resolve)/(?P<revision>[^/]+)(?:/(?P<file>[^?]+))?)?/?(?:\?.*)?"
)


@dataclass(frozen=True)
class HubReference:
    """A repository of the hub at a revision: a branch, a tag or a commit.

    `file` names one of its files, or what is in the name of one only; empty where it is the
    repository's own weights.
    """

    repository: str
    revision: str = DEFAULT_REVISION
    file: str = ""

    def __str__(self) -> str:
        revision = "" if self.revision == DEFAULT_REVISION else f"@{self.revision}"
        return self.repository + revision + (f":{self.file}" if self.file else "")


def parse_reference(text: str) -> Path | HubReference:
    """Return a path where something lies there, else what the text names at the hub.

    `hf:` before a name says that it is one whatever lies here; a page's address does too. Raises
    `BadInputError` for what is neither.
    """
    address = _ADDRESS.fullmatch(text)
    if address:
        return _reference(address)
    if not text.startswith(PREFIX):
        path = Path(text).expanduser()
        if path.exists():
            return path
        if not _could_be_name(text):
            raise BadInputError("hub.no_name", text=text)
    name = text.removeprefix(PREFIX).removeprefix("//")
    found = _REFERENCE.fullmatch(name)
    if found is None or ".." in name:
        raise BadInputError("hub.no_name", text=text)
    return _reference(found)


def _reference(found: re.Match[str]) -> HubReference:
    revision = found["revision"] or DEFAULT_REVISION
    return HubReference(found["repository"], revision, found["file"] or "")


def _could_be_name(text: str) -> bool:
    found = _REFERENCE.fullmatch(text)
    return found is not None and "/" in found["repository"]
