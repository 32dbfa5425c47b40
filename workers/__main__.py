"""`python -m workers worker.json`: binds, says so in ready.json, serves until stopped."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import zmq

from workers.engine.light_sleep import LightSleep
from workers.engine.spans import SpanTable
from workers.errors import ReportedError
from workers.identity.identity import Identity
from workers.log import log
from workers.network.curve import (
    INBOX_DOMAIN,
    PULSE_DOMAIN,
    Admission,
    CurveKeys,
    bind_server,
    proxy_address,
    start_authenticator,
)
from workers.network.inbox import Inbox
from workers.network.links import OutboundLinks
from workers.network.outlets import Outlets
from workers.network.pulse import ActivityBoard, PulsePublisher
from workers.protocol.configuration import (
    CONFIGURATION_FILE,
    READY_FILE,
    STORE_FOLDER,
    WorkerConfiguration,
    WorkerReady,
)
from workers.replicas.replicas import Replicas
from workers.ring.parts import WorkerParts
from workers.ring.transactions import TransactionTable
from workers.server import WorkerServer
from workers.whole_file import replace_file

IDENTITY_FOLDER = "identity"
REPLICAS_FOLDER = "receipts"
MOST_REPLICA_LINKS = 64
_LAST_ANSWER_MS = 500


class StoppedError(BaseException):
    """SIGTERM or SIGINT arrived; passes every handler of ordinary errors."""


def main(arguments: list[str]) -> int:
    """Run a worker; returns the process's exit status."""
    if len(arguments) != 1:
        sys.stderr.write(f"usage: python -m workers {CONFIGURATION_FILE}\n")
        return 2
    try:
        configuration = WorkerConfiguration.from_file(Path(arguments[0]))
        _serve(configuration, os.environ)
    except (OSError, ValueError, ReportedError, zmq.ZMQError) as error:
        log(f"the worker cannot run: {error}")
        return 1
    except StoppedError:
        log("stopped by a signal")
    return 0


def _serve(configuration: WorkerConfiguration, environment: Mapping[str, str]) -> None:
    proxy = proxy_address(environment)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _on_signal)
    keys = CurveKeys(configuration.curve_public_key, configuration.curve_secret_key)
    admission = Admission(configuration.host_public_key)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    authenticator = start_authenticator(context, admission)
    address = configuration.listen_address(environment)
    router, inbox_port = bind_server(context, zmq.ROUTER, INBOX_DOMAIN, address, keys)
    publisher, pulse_port = bind_server(context, zmq.PUB, PULSE_DOMAIN, address, keys)
    links = OutboundLinks(context, keys, proxy)
    to_keepers = OutboundLinks(context, keys, proxy, MOST_REPLICA_LINKS, links.own)
    identity = Identity(Path(configuration.folder) / IDENTITY_FOLDER)
    replicas = Replicas(
        Path(configuration.folder) / REPLICAS_FOLDER, identity.public_key, to_keepers
    )
    parts = _assemble(configuration, admission, Inbox(router, admission), links, identity, replicas)
    pulse = PulsePublisher(publisher, configuration.serial, parts.board)
    pulse.start()
    ready_path = Path(configuration.folder) / READY_FILE
    try:
        ready = WorkerReady(os.getpid(), inbox_port, pulse_port)
        replace_file(ready_path, ready.to_json().encode())
        gc.collect()
        gc.freeze()
        log(f"ready: inbox {inbox_port}, pulse {pulse_port}")
        WorkerServer(parts).serve()
    finally:
        ready_path.unlink(missing_ok=True)
        pulse.stop()
        replicas.close()
        links.close()
        parts.outlets.close()
        parts.sleep.close()
        parts.inbox.close(_LAST_ANSWER_MS)
        authenticator.stop()
        context.term()


def _assemble(
    configuration: WorkerConfiguration,
    admission: Admission,
    inbox: Inbox,
    links: OutboundLinks,
    identity: Identity,
    replicas: Replicas,
) -> WorkerParts:
    folder = Path(configuration.folder)
    spans = SpanTable(folder / STORE_FOLDER)
    return WorkerParts(
        serial=configuration.serial,
        transport_key=configuration.curve_public_key,
        threads=configuration.threads,
        identity=identity,
        admission=admission,
        inbox=inbox,
        links=links,
        outlets=Outlets(),
        spans=spans,
        transactions=TransactionTable(spans),
        replicas=replicas,
        board=ActivityBoard(),
        sleep=LightSleep(),
    )


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    raise StoppedError


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
