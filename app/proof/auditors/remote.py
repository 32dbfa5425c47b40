"""What a Dask worker does for audits: keeps files by their hash, and audits with them.

Called on the worker, by name. Files are kept in one folder (`SHARDLOOM_AUDITOR_BLOBS`, else in the
user's cache), so that a shard is sent to a computer once.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.core.errors import HashMismatchError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import is_sha256
from app.proof.auditors.executor import audited
from app.proof.case import AuditCase, Verdict
from workers.engine.processor import numerical_class

FOLDER_VARIABLE: Final = "SHARDLOOM_AUDITOR_BLOBS"
PARTIAL: Final = "partial"
ABANDONED_S: Final = 86_400.0
"""A partial file that nobody wrote to for so long is of a sender that is gone."""


def missing(names: Sequence[str]) -> list[str]:
    """Return which files of those hashes are not kept here."""
    return [name for name in names if not _path(name).is_file()]


def keep(name: str, sender: str, offset: int, content: bytes, *, last: bool) -> None:
    """Write a piece of a file; with the last one it is checked and kept.

    Pieces come in order; `sender` tells those of one sender from another's, hexadecimal. Raises
    `HashMismatchError` where the whole is not what its name says; nothing of it stays then.
    """
    partial = _path(name).with_name(f"{name}.{int(sender, 16):x}.{PARTIAL}")
    partial.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not offset:
        _let_go_abandoned(partial.parent, time.time() - ABANDONED_S)
    with partial.open("r+b" if offset else "wb") as file:
        file.seek(offset)
        file.write(content)
    if not last:
        return
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != name:
        partial.unlink()
        raise HashMismatchError("weights.damaged_blob", blob=name[:12])
    partial.rename(_path(name))


def _let_go_abandoned(folder: Path, before_s: float) -> None:
    """Delete what was begun, never ended, and written to last before a moment (since 1970 UTC)."""
    for each in folder.glob(f"*.{PARTIAL}"):
        with suppress(OSError):
            if each.stat().st_mtime < before_s:
                each.unlink()


def audit_with_kept(case: AuditCase) -> Verdict | Fact:
    """Return the verdict, or why the shard cannot be run here."""
    try:
        return audited(_moved(case))
    except WorkerError as error:
        return error.fact


def _moved(case: AuditCase) -> AuditCase:
    """Return the case as it is on this computer: other folders, its own numerical class."""
    graph = _path(case.graph_path.name)
    parts = (case.parts, case.all_parts)
    moved = [tuple(replace(x, graph_path=_path(x.graph_path.name)) for x in each) for each in parts]
    own = numerical_class(case.threads) if case.host_class else ""
    return replace(case, graph_path=graph, parts=moved[0], all_parts=moved[1], host_class=own)


def _path(name: str) -> Path:
    if not is_sha256(name):
        raise HashMismatchError("blob.not_a_hash", text=name)
    named = os.environ.get(FOLDER_VARIABLE)
    folder = Path(named) if named else Path.home() / ".cache" / "shardloom" / "auditor"
    return folder / name
