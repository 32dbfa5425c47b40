"""The whole model in one session, in a process of its own as each stage has one.

`python -m ... DESCRIPTION` decodes once for every line it reads, on the core it names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from app.benchmarks.stages.cores import core_of
from app.core.errors import WorkerError
from app.models.library import Library
from app.models.whole import WholeModel
from workers.engine.memory import LARGE_PAGES

END_TIMEOUT_S = 60.0
_STAGES = 2


class WholeProcess:
    """Asks the process for greedy tokens."""

    def __init__(self, questions: IO[str], answers: IO[str]) -> None:
        self._questions = questions
        self._answers = answers

    def decode(self, prompt: Sequence[int], tokens: int) -> tuple[tuple[int, ...], float]:
        """Return the tokens after a prompt, and tokens per second after the first.

        The rate is over one decoding on each core: stages have one core each, and cores that are
        lent out need not be equally fast. Raises `WorkerError` where the process has ended, or
        where cores give different tokens.
        """
        runs = [self._decode_on(core_of(stage), prompt, tokens) for stage in range(_STAGES)]
        generated = {tuple(run["tokens"]) for run in runs}
        if len(generated) != 1:
            raise WorkerError("bench.cores_differ")
        return generated.pop(), len(runs) * tokens / sum(run["elapsed_s"] for run in runs)

    def _decode_on(self, core: int, prompt: Sequence[int], tokens: int) -> dict[str, Any]:
        question = {"core": core, "prompt": list(prompt), "tokens": tokens}
        self._questions.write(json.dumps(question) + "\n")
        self._questions.flush()
        line = self._answers.readline()
        if not line:
            raise WorkerError("bench.whole_ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def whole_process(home: Path, model: str) -> Iterator[WholeProcess]:
    """Start it, pinned to one core at a time; end it afterwards."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", __name__, json.dumps([str(home), model])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **LARGE_PAGES},
        text=True,
    )
    with process:
        if process.stdin is None or process.stdout is None:
            raise WorkerError("bench.whole_without_pipes")
        try:
            yield WholeProcess(process.stdin, process.stdout)
        finally:
            process.stdin.close()
            process.wait(END_TIMEOUT_S)


def decode(whole: WholeModel, prompt: Sequence[int], tokens: int) -> tuple[list[int], float]:
    """Return the greedy tokens after a prompt, and the seconds that all but the first took."""
    token = int(whole.step(prompt, 0).argmax())
    generated = [token]
    started_s = time.perf_counter()
    while len(generated) <= tokens:
        position = len(prompt) + len(generated) - 1
        generated.append(int(whole.step(generated[-1:], position).argmax()))
    return generated, time.perf_counter() - started_s


def main() -> None:
    """Decode until the other side closes."""
    home, name = json.loads(sys.argv[1])
    library = Library(Path(home))
    whole = WholeModel(library.get(name), library)
    for line in sys.stdin:
        question = json.loads(line)
        os.sched_setaffinity(0, {question["core"]})
        tokens, elapsed_s = decode(whole, question["prompt"], question["tokens"])
        sys.stdout.write(json.dumps({"tokens": tokens, "elapsed_s": elapsed_s}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
