"""A client of a served rack in a process of its own, which reads streams and tells when they came.

It reads a line of JSON, a list of bodies to send together, and writes one with what came of each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from typing import Any, Final, Self

TIMEOUT_S: Final = 600.0
PATH: Final = "/v1/completions"
_DATA: Final = b"data: {"


@dataclass(frozen=True)
class StreamRead:
    """One stream: the answer's name, its text, and when it was asked for and read.

    Moments are of the system's monotonic clock, which all processes share.
    """

    identifier: str
    text: str
    asked_s: float
    first_s: float
    last_s: float


def read_stream(address: str, body: dict[str, Any]) -> StreamRead:
    """Ask over a connection that is open already and read to the end."""
    connection = HTTPConnection(address.removeprefix("http://"), timeout=TIMEOUT_S)
    connection.connect()
    said, identifier, times_s = list[str](), "", list[float]()
    content = json.dumps({**body, "stream": True}).encode()
    asked_s = time.monotonic()
    connection.request("POST", PATH, content, {"Content-Type": "application/json"})
    for line in connection.getresponse():
        if line.startswith(_DATA):
            read_s = time.monotonic()
            chunk = json.loads(line.removeprefix(b"data: "))
            text = "".join(choice["text"] for choice in chunk["choices"])
            identifier = chunk["id"]
            if text:
                said.append(text)
                times_s.append(read_s)
    connection.close()
    return StreamRead(identifier, "".join(said), asked_s, times_s[0], times_s[-1])


@dataclass(frozen=True)
class StreamReader:
    """The process, from the outside."""

    _process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def started(cls, address: str) -> Iterator[Self]:
        """Start it; it ends with the block."""
        command = [sys.executable, "-m", __name__, address]
        with subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield cls(process)
            finally:
                process.kill()

    def read(self, bodies: Sequence[dict[str, Any]]) -> list[StreamRead]:
        """Read so many streams at once."""
        assert self._process.stdin is not None  # noqa: S101 - for mypy: both are pipes
        assert self._process.stdout is not None  # noqa: S101 - same
        self._process.stdin.write(json.dumps(list(bodies)) + "\n")
        self._process.stdin.flush()
        return [StreamRead(**each) for each in json.loads(self._process.stdout.readline())]


def main() -> None:
    """Serve the process that started this one."""
    address = sys.argv[1]
    for line in sys.stdin:
        bodies = json.loads(line)
        with ThreadPoolExecutor(len(bodies)) as threads:
            read = list(threads.map(lambda body: read_stream(address, body), bodies))
        print(json.dumps([asdict(each) for each in read]), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
