"""The one way that receipts are audited by doing their work again, wherever that is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.proof.audit import audit
from app.proof.case import AuditCase, Verdict
from app.proof.quick.together import passes_together
from app.proof.stage_parts import OpenEngine, open_shard


@dataclass(frozen=True)
class AuditJob:
    """A receipt with what it is about, and the files that its shard is made of."""

    case: AuditCase
    blobs: tuple[str, ...]
    """SHA-256 of each, hexadecimal; they lie in one folder, that of the case's graph."""


class AuditExecutor(Protocol):
    """Audits receipts."""

    def verdicts(self, jobs: Sequence[AuditJob]) -> list[Verdict]:
        """Return the verdict on each, in order. Blocking.

        Raises `app.core.errors.WorkerError` where a shard cannot be run.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class AuditsHere:
    """Audits in this process, one after the other."""

    def __init__(self, open_engine: OpenEngine = open_shard) -> None:
        self._open_engine = open_engine

    def verdicts(self, jobs: Sequence[AuditJob]) -> list[Verdict]:
        """Return the verdict on each, in order."""
        return [audited(job.case, self._open_engine) for job in jobs]

    def close(self) -> None:
        """Do nothing: it holds nothing."""


def audited(case: AuditCase, open_engine: OpenEngine = open_shard) -> Verdict:
    """Return the verdict on a receipt: rows together where that is enough, else one by one."""
    return passes_together(case, open_engine) or audit(case, open_engine)
