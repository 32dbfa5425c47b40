"""A Dask scheduler and workers as processes of their own, under TLS with certificates made here."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = dt.timedelta(days=1)
_LISTENS = re.compile(r"Scheduler at:\s+tls://[^:]+:(\d+)")
_REGISTERED = re.compile(r"Registered to:")


class Cluster:
    """A scheduler on this computer; `add_worker` begins a worker with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificates = folder / "tls"
        make_certificates(self.certificates)
        self._processes: list[subprocess.Popen[str]] = []
        scheduler = self._start("dask_scheduler", "--host", "tls://127.0.0.1", "--port", "0")
        found = self._until(scheduler, _LISTENS)
        self.address = f"tcp://127.0.0.1:{found[1]}"

    def add_worker(self, name: str) -> subprocess.Popen[str]:
        """Return a worker that takes work; what it keeps lies in `kept(name)`."""
        scheduler = self.address.replace("tcp:", "tls:")
        limits = ("--nthreads", "1", "--nworkers", "1", "--no-nanny", "--memory-limit", "0")
        folder = str(self.folder / f"{name}-scratch")
        worker = self._start(
            "dask_worker", scheduler, *limits, "--local-directory", folder, kept=self.kept(name)
        )
        self._until(worker, _REGISTERED)
        return worker

    def kept(self, name: str) -> Path:
        return self.folder / f"{name}-kept"

    def close(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def _start(
        self, program: str, *arguments: str, kept: Path | None = None
    ) -> subprocess.Popen[str]:
        tls = []
        for option, name in (("ca-file", "ca"), ("cert", "cert"), ("key", "key")):
            tls += [f"--tls-{option}", str(self.certificates / f"{name}.pem")]
        environment = {**os.environ, "SHARDLOOM_AUDITOR_BLOBS": str(kept or self.folder)}
        tls.append("--no-dashboard")
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *arguments, *tls],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self._processes.append(process)
        return process

    def _until(self, process: subprocess.Popen[str], wanted: re.Pattern[str]) -> re.Match[str]:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if found := wanted.search(line):
                return found
        raise AssertionError("".join(said))


def make_certificates(folder: Path) -> None:
    """Write an authority and one certificate of it that both ends show."""
    folder.mkdir()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "auditors")])
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = dt.datetime.now(dt.UTC)
    base = x509.CertificateBuilder().issuer_name(name).not_valid_before(now - _DAY)
    base = base.not_valid_after(now + _DAY)
    authority = (
        base.subject_name(name)
        .public_key(authority_key.public_key())
        .serial_number(1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        base.subject_name(own)
        .public_key(key.public_key())
        .serial_number(2)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
