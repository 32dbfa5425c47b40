"""Starts the exporting process, follows it, and ends it where nobody waits for it any more."""

from __future__ import annotations

import importlib.util
import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.exporting.kept import kept_export

NEEDED = ("torch", "transformers", "onnxscript")
STAGES: Mapping[str, str] = {
    "reading": "export.reading",
    "tracing": "export.tracing",
    "tracing unfused": "export.tracing_unfused",
    "comparing": "export.comparing",
}
"""What the process tells of where it is, and the facts of it."""
PULSE_S = 0.5
"""How often a caller is told that the process is still at work, and may so give up."""
_END_S = 1.0
"""Shorter than who ends an import waits for it: whoever is killed ends no exporter."""
_READ_BYTES = 1 << 16

Stage = Callable[[Fact], None]
"""Called with what the process does; an exception from it ends the process."""


@contextmanager
def exported(folder: Path, architecture: Fact, workspace: Path, stage: Stage) -> Iterator[Path]:
    """Export a Hugging Face folder; yields the ONNX file, gone afterwards.

    `architecture` is how facts name it. Where the import is interrupted the file stays in the
    workspace, and the next import of the same checkpoint gets it. The process needs three times the
    checkpoint's size in float32 of memory, and the workspace once of disk. Raises `BadInputError`
    where packages are missing or the architecture cannot be exported.
    """
    require_exporter(architecture)
    stage(Fact("export.looking"))
    with kept_export(folder, workspace) as kept:
        if not kept.is_whole():
            with kept.attempt() as target:
                reason = _run(folder.resolve(), target, stage)
                if reason is not None:
                    raise BadInputError("export.failed", architecture=architecture, reason=reason)
        yield kept.graph


def require_exporter(architecture: Fact) -> None:
    """Raise `BadInputError` where packages are missing that export an architecture."""
    missing = tuple(name for name in NEEDED if importlib.util.find_spec(name) is None)
    if missing:
        raise BadInputError("export.packages_missing", architecture=architecture, packages=missing)


def _run(folder: Path, target: Path, stage: Stage) -> Fact | str | None:
    """Run the process to its end; returns what went wrong, if anything did."""
    command = [sys.executable, "-m", __package__, str(folder), str(target)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.TemporaryFile() as noise:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdout=subprocess.PIPE, stderr=noise, env=environment
        )
        try:
            error = _follow(process, stage)
            code = process.wait()
        finally:
            _end(process)
        if error is None and code:
            return _ended(code, noise)
    return error


def _ended(status: int, noise: IO[bytes]) -> Fact:
    noise.seek(0)
    lines = noise.read().decode(errors="replace").strip().splitlines()
    if not lines:
        return Fact("export.ended_silently", status=status)
    return Fact("export.ended", status=status, words=lines[-1][:300])


def _follow(process: subprocess.Popen[bytes], stage: Stage) -> Fact | str | None:
    """Pass the process's stages on until its output ends; returns the error it told, if any."""
    error: Fact | str | None = None
    at, rest = Fact("export.starting"), b""
    stage(at)
    output = process.stdout
    if output is None:
        return Fact("export.no_output")
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            content = os.read(output.fileno(), _READ_BYTES) if selector.select(PULSE_S) else None
            if content == b"":
                return error
            *lines, rest = (rest + (content or b"")).split(b"\n")
            for fields in map(json.loads, lines):
                at, error = _stage_of(fields) or at, _error_of(fields) or error
                stage(at)
            if not lines:
                stage(at)


def _stage_of(fields: Mapping[str, object]) -> Fact | None:
    code = STAGES.get(str(fields.get("stage")))
    return None if code is None else Fact(code)


def _error_of(fields: Mapping[str, object]) -> Fact | str | None:
    match fields:
        case {"difference": float(difference)}:
            return Fact("export.other_logits", difference=difference)
        case {"error": str(words)}:
            return words
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
