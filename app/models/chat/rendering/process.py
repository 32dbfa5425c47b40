"""Starts the rendering process, and ends it where it takes too long."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict

from app.core.errors import BadInputError
from app.models.chat.rendering.bounds import Bounds

_SUBJECT = "The model's chat template"


def render(source: str, names: Mapping[str, object], bounds: Bounds) -> str:
    """Return what a template writes where it knows these names.

    Raises `BadInputError` with the template's own words where it refuses, and in one line where it
    goes beyond the bounds.
    """
    task = json.dumps({"bounds": asdict(bounds), "source": source, "names": names})
    process = _finished(task, bounds)
    if process.returncode == -signal.SIGXCPU:
        raise BadInputError(f"{_SUBJECT} does not end within {bounds.processor_s} s of computing.")
    if process.returncode:
        line = (process.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise BadInputError(
            f"{_SUBJECT} broke the process it runs in (status {process.returncode}): {line}."
        )
    answer = json.loads(process.stdout)
    if "error" in answer:
        raise BadInputError(f"{_SUBJECT} {answer['error']}".rstrip(".") + ".")
    return str(answer["text"])


def _finished(task: str, bounds: Bounds) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", __package__]
    try:
        return subprocess.run(  # noqa: S603 - our own module
            command,
            input=task,
            capture_output=True,
            encoding="utf-8",
            timeout=bounds.waiting_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{_SUBJECT} gave no answer within {bounds.waiting_s} s."
        raise BadInputError(message) from error
    except OSError as error:
        raise BadInputError(f"The process for a chat template cannot start: {error}.") from error
