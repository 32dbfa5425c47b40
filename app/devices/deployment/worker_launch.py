"""Starting a worker on a phone and waiting for its sockets."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.core.errors import WorkerError, reason_of
from app.core.facts import Fact, FieldValue
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.devices.deployment import phone_scripts as scripts
from app.devices.deployment.runtime_bundle import RUN_SCRIPT
from workers.errors import WireError
from workers.protocol.configuration import CONFIGURATION_FILE, WorkerConfiguration, WorkerReady

STEPS_PER_SECOND: Final = 20
STEPS_PER_CALL: Final = 40
"""How long one call of the phone's shell waits, in twentieths of a second."""
CALL_TIMEOUT_S: Final = 60.0
"""A phone with much to do, such as starting a worker, takes longer for its steps."""


class WorkerLaunch:
    """One start of a worker."""

    def __init__(self, link: PhoneLink, serial: Serial) -> None:
        self._link = link
        self._serial = serial

    def run(self, configuration: WorkerConfiguration, timeout_s: float) -> WorkerReady:
        """Start it and wait. Raises `WorkerError` with the last line of its log."""
        deadline_s = time.monotonic() + timeout_s
        self._end_older()
        self._push(replace(configuration, folder="."))
        process_id = self._start()
        while (left_s := deadline_s - time.monotonic()) > 0:
            steps = min(STEPS_PER_CALL, int(left_s * STEPS_PER_SECOND) + 1)
            answer = self._link.shell(scripts.wait_ready(process_id, steps), CALL_TIMEOUT_S).stdout
            state, _, text = answer.partition("\n")
            if state == scripts.READY:
                return self._ready(text)
            if state == scripts.GONE:
                raise self._failure("worker.ended_at_once")
        self._link.shell(scripts.end_worker())
        raise self._failure("worker.not_ready", time_s=timeout_s)

    def _end_older(self) -> None:
        result = self._link.shell(scripts.end_worker())
        if result.exit_code != 0:
            raise WorkerError("worker.code_missing", phone=self._serial)

    def _push(self, configuration: WorkerConfiguration) -> None:
        with tempfile.NamedTemporaryFile("w") as file:  # mode 0600: it holds the worker's key
            file.write(configuration.to_json())
            file.flush()
            target = f"{scripts.BASE_FOLDER}/{CONFIGURATION_FILE}"
            self._link.push(Path(file.name), target, 0o600)

    def _start(self) -> int:
        result = self._link.shell(scripts.launch(RUN_SCRIPT))
        text = result.stdout.strip()
        if result.exit_code != 0 or not text.isdecimal():
            raise WorkerError(
                "worker.not_started", phone=self._serial, reason=result.stderr.strip()
            )
        return int(text)

    def _ready(self, text: str) -> WorkerReady:
        try:
            return WorkerReady.from_json(text)
        except WireError as error:
            raise WorkerError(
                "worker.odd_ready_file", phone=self._serial, reason=reason_of(error)
            ) from None

    def _failure(self, code: str, **fields: FieldValue) -> WorkerError:
        log = self._link.shell(scripts.log_tail(20)).stdout.splitlines()
        last: FieldValue = next((line.strip() for line in reversed(log) if line.strip()), "")
        last = last or Fact("worker.log_empty")
        return WorkerError(code, phone=self._serial, last_line=last, **fields)
