"""Audits on two Dask workers: the same verdicts, files sent once, a lost worker's done again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster, Security

from app.core.errors import BadInputError, HashMismatchError
from app.proof.auditors import cluster as cluster_module
from app.proof.auditors import remote
from app.proof.auditors.cluster import ClusterAuditors
from app.proof.auditors.executor import AuditJob, AuditsHere
from app.proof.case import AuditCase, Verdict
from tests.integration.auditors.cluster import Cluster, make_certificates
from tests.saying import raises_saying
from tests.unit.proof.support import RingShard, build_shards, run_ring
from workers.protocol.wire import Tensor


class Nobody:
    """Who would audit where no worker does."""

    def verdicts(self, jobs: object) -> list[Verdict]:
        raise AssertionError(jobs)

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> tuple[RingShard, ...]:
    return build_shards(tmp_path_factory.mktemp("model"))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


@contextmanager
def scheduler_here(certificates: Path) -> Iterator[str]:
    """Run a scheduler and a worker in this process, under TLS; yield the scheduler's address."""
    ca, cert, key = (str(certificates / f"{name}.pem") for name in ("ca", "cert", "key"))
    ends = {f"tls_{end}_{what}": path for end in ("scheduler", "worker", "client")
            for what, path in (("cert", cert), ("key", key))}  # fmt: skip
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tls://",
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=0,
        security=Security(tls_ca_file=ca, require_encryption=True, **ends),
    ) as cluster:
        yield cluster.scheduler_address.replace("tls:", "tcp:")


def off(stage: int, step: int, output: Tensor) -> Tensor:
    """Let the middle stage be wrong from its third step on."""
    return output + np.float32(0.5) if stage == 1 and step >= 2 else output


def jobs_of(cases: tuple[AuditCase, ...]) -> list[AuditJob]:
    """Return jobs with all files beside a graph: the model is small."""
    return [
        AuditJob(case, tuple(sorted(each.name for each in case.graph_path.parent.iterdir())))
        for case in cases
    ]


def test_a_cluster_in_this_process_is_sent_the_files_once_and_none_there_is_done_without(
    tmp_path: Path,
    shards: tuple[RingShard, ...],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(remote.FOLDER_VARIABLE, str(tmp_path / "kept"))
    make_certificates(tmp_path / "tls")
    jobs, here = jobs_of(run_ring(shards, 4, off).cases), AuditsHere()
    with scheduler_here(tmp_path / "tls") as address:
        auditors = ClusterAuditors(address, tmp_path / "tls", Nobody())
        found = auditors.verdicts(jobs)
        assert found == here.verdicts(jobs)
        assert [each.failed for each in found] == [False, True, False]
        kept = {each: each.stat().st_mtime_ns for each in (tmp_path / "kept").iterdir()}
        assert {each.name for each in kept} == set(jobs[0].blobs)
        assert auditors.verdicts(jobs[:1]) == found[:1]
        assert {each: each.stat().st_mtime_ns for each in kept} == kept
        auditors.close()
    monkeypatch.setattr(cluster_module, "CONNECT_S", 0.2)
    gone = ClusterAuditors(address, tmp_path / "tls", here)
    assert gone.verdicts(jobs[:1]) == found[:1]
    gone.close()
    assert "audits are done here" in caplog.text


@pytest.mark.soak
def test_two_workers_come_to_the_verdicts_of_this_process_and_keep_the_files(
    cluster: Cluster, shards: tuple[RingShard, ...]
) -> None:
    first, _ = cluster.add_worker("one"), cluster.add_worker("two")
    jobs = jobs_of((*run_ring(shards, 4).cases, *run_ring(shards, 4, off).cases))
    here = AuditsHere().verdicts(jobs)
    assert [each.failed for each in here] == [False, False, False, False, True, False]
    auditors = ClusterAuditors(cluster.address, cluster.certificates, Nobody())
    try:
        assert auditors.verdicts(jobs) == here
        for name in ("one", "two"):
            kept = {each.name for each in cluster.kept(name).iterdir()}
            assert kept == set(jobs[0].blobs)
        sent = {each: each.stat().st_mtime_ns for each in cluster.kept("two").iterdir()}
        first.kill()
        assert auditors.verdicts(jobs) == here
        assert {each: each.stat().st_mtime_ns for each in cluster.kept("two").iterdir()} == sent
    finally:
        auditors.close()


@pytest.mark.soak
def test_without_a_worker_or_a_scheduler_audits_are_done_here(
    cluster: Cluster, shards: tuple[RingShard, ...], caplog: pytest.LogCaptureFixture
) -> None:
    jobs = jobs_of(run_ring(shards, 2).cases)
    auditors = ClusterAuditors(cluster.address, cluster.certificates, AuditsHere())
    try:
        assert auditors.verdicts(jobs) == AuditsHere().verdicts(jobs)
    finally:
        auditors.close()
    cluster.close()
    with caplog.at_level(logging.WARNING, "shardloom.audits"):
        gone = ClusterAuditors(cluster.address, cluster.certificates, AuditsHere())
        assert gone.verdicts(jobs) == AuditsHere().verdicts(jobs)
        gone.close()
    assert "audits are done here" in caplog.text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://elsewhere:8786", "under TLS only"),
        ("tls://127.0.0.1:8786", "under TLS only"),
        ("elsewhere", "no scheduler's address"),
        ("tcp://elsewhere:port", "no scheduler's address"),
    ],
)
def test_an_address_that_cannot_be_trusted_or_read_is_refused(address: str, words: str) -> None:
    with raises_saying(BadInputError, words):
        ClusterAuditors(address, None, Nobody())


def test_a_folder_that_lacks_certificates_is_named(tmp_path: Path) -> None:
    with raises_saying(BadInputError, "ca.pem"):
        ClusterAuditors("tcp://elsewhere:8786", tmp_path, Nobody())


def test_a_file_that_is_not_what_its_name_says_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(remote.FOLDER_VARIABLE, str(tmp_path))
    name = "0" * 64
    remote.keep(name, "ab", 0, b"one ", last=False)
    with pytest.raises(HashMismatchError):
        remote.keep(name, "ab", 4, b"two", last=True)
    assert list(tmp_path.iterdir()) == []
    assert remote.missing([name]) == [name]
    for odd in ("../" + name, "x"):
        with pytest.raises(HashMismatchError):
            remote.keep(odd, "ab", 0, b"", last=True)
