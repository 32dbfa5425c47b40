"""A cluster whose scheduler is lost for good, or whose workers answer with no verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.proof.auditors import remote
from app.proof.auditors.cluster import ClusterAuditors
from app.proof.auditors.executor import AuditJob
from app.proof.case import Verdict

HERE: Any = "done here"
JOB: Any = AuditJob(None, ())  # type: ignore[arg-type]


class Here:
    """Who audits where no worker does."""

    def verdicts(self, jobs: list[AuditJob]) -> list[Verdict]:
        return [HERE for _ in jobs]

    def close(self) -> None: ...


class Done:
    """What a worker returned."""

    def __init__(self, value: object) -> None:
        self._value = value

    def result(self, timeout: float) -> object:
        assert timeout
        return self._value

    def release(self) -> None: ...


class LyingClient:
    """A client of a cluster whose one worker returns what is no verdict."""

    status = "running"
    scheduler: Any

    def __init__(self) -> None:
        self.scheduler = self

    def ncores(self) -> dict[str, int]:
        return {"worker": 1}

    def nthreads(self) -> dict[str, int]:
        return self.ncores()

    def sync(self, function: Callable[[], object], **_named: object) -> object:
        return function()

    def submit(self, function: object, *_given: object, **_named: object) -> Done:
        return Done([] if function is remote.missing else "passed, believe me")

    def close(self) -> None: ...


class LostClient(LyingClient):
    """A client that gave its scheduler up while audits were under way: it has none any more."""

    def __init__(self) -> None:
        self.scheduler = None

    def nthreads(self) -> dict[str, int]:
        found: dict[str, int] = self.scheduler.ncores()
        return found


@pytest.mark.parametrize("client", [LyingClient(), LostClient()])
def test_what_no_worker_gives_a_verdict_on_is_audited_here(client: LyingClient) -> None:
    auditors = ClusterAuditors("tcp://127.0.0.1:1", None, Here())  # type: ignore[arg-type]
    auditors._connection = client
    assert auditors.verdicts([JOB]) == [HERE]
    auditors.close()


def test_a_client_that_was_closed_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    auditors = ClusterAuditors("tcp://127.0.0.1:1", None, Here())  # type: ignore[arg-type]
    closed = LyingClient()
    closed.status = "closed"
    auditors._connection = closed
    made: list[str] = []

    def make(address: str, **_named: object) -> LyingClient:
        made.append(address)
        return LyingClient()

    monkeypatch.setattr("distributed.Client", make)
    assert auditors.verdicts([JOB]) == [HERE]
    assert made == ["tcp://127.0.0.1:1"]
    auditors.close()
