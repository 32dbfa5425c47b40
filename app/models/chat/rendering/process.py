"""Starts the rendering process, and ends it where it takes too long."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict

from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.models.chat.rendering.bounds import Bounds
from app.models.chat.rendering.limits import SPENT_SIGNAL


def render(source: str, names: Mapping[str, object], bounds: Bounds) -> str:
    """Return what a template writes where it knows these names.

    Raises `BadInputError` with the template's own words where it refuses, and in one line where it
    goes beyond the bounds.
    """
    task = json.dumps({"bounds": asdict(bounds), "source": source, "names": names})
    process = _finished(task, bounds)
    if SPENT_SIGNAL is not None and process.returncode == -SPENT_SIGNAL:
        raise BadInputError("chat_template.endless", limit=bounds.processor_s)
    if process.returncode:
        raise BadInputError(_broken(process))
    match json.loads(process.stdout):
        case {"text": str(text)}:
            return text
        case {"beyond": "memory"}:
            raise BadInputError("chat_template.memory", limit_mib=bounds.memory_bytes >> 20)
        case {"beyond": "text"}:
            raise BadInputError("chat_template.writes_more", limit_mib=bounds.text_bytes >> 20)
        case {"refuses": str(words)}:
            raise BadInputError("chat_template.refuses", words=words.rstrip("."))
    raise BadInputError("chat_template.process_silent", status=process.returncode)


def _broken(process: subprocess.CompletedProcess[str]) -> Fact:
    lines = process.stderr.strip().splitlines()
    if not lines:
        return Fact("chat_template.process_silent", status=process.returncode)
    return Fact("chat_template.process_broken", status=process.returncode, words=lines[-1])


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
        raise BadInputError("chat_template.no_answer", limit=bounds.waiting_s) from error
    except OSError as error:
        raise BadInputError("chat_template.process_refused", reason=reason_of(error)) from error
