"""Audits on the workers of a Dask cluster (`dask.distributed`), each with the files it lacks.

The cluster is the operator's own: its verdicts are believed as this computer's are, so that it is
reached under TLS with certificates on both ends, or on this computer only.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from app.core.errors import BadInputError, WorkerError
from app.core.facts import Fact
from app.proof.auditors import remote
from app.proof.auditors.executor import AuditExecutor, AuditJob
from app.proof.case import Verdict

if TYPE_CHECKING:
    from distributed import Client, Future
    from distributed.security import Security

PIECE_BYTES: Final = 8 << 20
CONNECT_S: Final = 10
TRY_AGAIN_S: Final = 60.0
LONGEST_S: Final = 600.0
"""After so long an audit or a piece of a file is given to another worker."""
_LOOK_S: Final = 0.5
_MOST_AT_ONCE: Final = 16
_CERTIFICATES: Final = ("ca.pem", "cert.pem", "key.pem")
_THIS_COMPUTER: Final = ("127.0.0.1", "localhost", "::1")
_log = logging.getLogger("shardloom.audits")


class WorkerLostError(Exception):
    """A worker went away, or took too long."""


class ClusterAuditors:
    """Audits on a cluster; what no worker of it could do is done by `otherwise`.

    `verdicts` is called from one thread at a time.
    """

    def __init__(self, address: str, certificates: Path | None, otherwise: AuditExecutor) -> None:
        """Use the scheduler at `tcp://HOST:PORT`, under TLS where there are certificates.

        It is connected to with the first audit, and again a minute after that failed.
        `certificates` is a folder with ca.pem, cert.pem and key.pem. Raises `BadInputError`.
        """
        self._address, self._security = _security(address, certificates)
        self._connection: Client | None = None
        self._next_try_s = 0.0
        self._otherwise = otherwise
        self._busy: Counter[str] = Counter()
        self._sending: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="auditors")

    def verdicts(self, jobs: Sequence[AuditJob]) -> list[Verdict]:
        """Return the verdict on each, in order. Raises `WorkerError`."""
        if not self._connect():
            return self._otherwise.verdicts(jobs)
        return list(self._pool.map(self._verdict, jobs))

    def close(self) -> None:
        """Let go of the cluster; it goes on without this one."""
        self._pool.shutdown()
        if self._connection is not None:
            self._connection.close()

    @property
    def _client(self) -> Client:
        if self._connection is None:
            raise WorkerLostError(self._address)
        return self._connection

    def _connect(self) -> bool:
        """Tell whether there is a connection, after having tried to make one."""
        from distributed import Client  # noqa: PLC0415 - an extra

        if self._connection is not None and self._connection.status == "closed":
            self._connection = None
        if self._connection is None and time.monotonic() >= self._next_try_s:
            try:
                self._connection = Client(
                    self._address,
                    security=self._security,
                    timeout=CONNECT_S,
                    set_as_default=False,
                )
            except (OSError, TimeoutError) as error:
                self._next_try_s = time.monotonic() + TRY_AGAIN_S
                _log.warning("no auditors at %s, audits are done here: %s", self._address, error)
        return self._connection is not None

    def _verdict(self, job: AuditJob) -> Verdict:
        tried: set[str] = set()
        while worker := self._take(tried):
            try:
                found = self._audited_on(worker, job)
            except Exception as error:  # noqa: BLE001 - whatever became of it there, others can
                _log.warning("an auditor did not finish, another does it: %s: %s", worker, error)
                tried.add(worker)
            else:
                if isinstance(found, Fact):
                    raise WorkerError(found)
                return found
            finally:
                self._give_back(worker)
        return self._otherwise.verdicts([job])[0]

    def _take(self, tried: set[str]) -> str:
        """Return the worker that has the least to do; empty where all were tried."""
        try:
            there = [each for each in self._workers() if each not in tried]
        except Exception as error:  # noqa: BLE001 - however the scheduler was lost
            _log.warning("no auditors at %s, audits are done here: %s", self._address, error)
            return ""
        with self._lock:
            if not there:
                return ""
            worker: str = min(there, key=lambda each: (self._busy[each], each))
            self._busy[worker] += 1
            return worker

    def _workers(self) -> Sequence[str]:
        """Return who is there; raises, whatever it is, where the scheduler does not say in time."""
        client = self._client
        return list(client.sync(client.scheduler.ncores, callback_timeout=CONNECT_S))

    def _give_back(self, worker: str) -> None:
        with self._lock:
            self._busy[worker] -= 1

    def _audited_on(self, worker: str, job: AuditJob) -> Verdict | Fact:
        with self._lock:
            sending = self._sending.setdefault(worker, threading.Lock())
        with sending:
            for name in self._call(worker, remote.missing, job.blobs):
                self._send(worker, job.case.graph_path.with_name(name))
        found = self._call(worker, remote.audit_with_kept, job.case)
        if not isinstance(found, Verdict | Fact):
            raise WorkerLostError(worker)
        return found

    def _send(self, worker: str, path: Path) -> None:
        """Give a worker a file that it lacks, piece by piece."""
        sender, size, offset = secrets.token_hex(8), path.stat().st_size, 0
        with path.open("rb") as file:
            while True:
                piece = file.read(PIECE_BYTES)
                last = offset + len(piece) >= size
                self._call(worker, remote.keep, path.name, sender, offset, piece, last=last)
                offset += len(piece)
                if last:
                    return

    def _call(self, worker: str, function: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401
        """Return what a function returns on that worker. Raises `WorkerLostError`."""
        future = self._client.submit(
            function, *given, **named, workers=[worker], allow_other_workers=False, pure=False
        )
        try:
            return self._result(worker, future)
        finally:
            future.release()

    def _result(self, worker: str, future: Future) -> Any:  # noqa: ANN401
        done = threading.Event()  # `result` with a short timeout may break off with other errors
        future.add_done_callback(lambda _: done.set())
        for _ in range(round(LONGEST_S / _LOOK_S)):
            if done.wait(_LOOK_S):
                return future.result(timeout=CONNECT_S)
            if worker not in self._workers():
                break
        future.cancel()
        raise WorkerLostError(worker)


def _security(address: str, certificates: Path | None) -> tuple[str, Security]:
    """Return where to connect to and by what certificates. Raises `BadInputError`."""
    try:
        from distributed.security import Security  # noqa: PLC0415 - an extra
    except ImportError:
        raise BadInputError("auditors.not_installed") from None
    host, place = _place(address)
    if certificates is None:
        if address.startswith("tls:") or host not in _THIS_COMPUTER:
            raise BadInputError("auditors.without_tls", address=address)
        return f"tcp://{place}", Security(require_encryption=False)
    files = [certificates / name for name in _CERTIFICATES]
    if lacking := tuple(each.name for each in files if not each.is_file()):
        raise BadInputError("auditors.no_certificates", path=str(certificates), names=lacking)
    authority, own, key = map(str, files)
    return f"tls://{place}", Security(
        tls_ca_file=authority, tls_client_cert=own, tls_client_key=key, require_encryption=True
    )


def _place(address: str) -> tuple[str, str]:
    """Return the host in an address, and the host with its port. Raises `BadInputError`."""
    try:
        parts = urlsplit(address)
        if parts.scheme in ("tcp", "tls") and parts.hostname and parts.port:
            return parts.hostname, parts.netloc
    except ValueError:
        pass
    raise BadInputError("auditors.no_address", address=address)
