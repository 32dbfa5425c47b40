"""The exporting process: the only code here that loads torch.

`python -m app.models.exporting FOLDER FILE` reads a Hugging Face folder and writes FILE, with its
weights beside it. It never runs code that lies in the folder. Each line on standard output is a
JSON object: `stage`, or at the end of a failure `error` with a library's words, or `difference`
where the graph's logits are off by so much.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np
import onnxruntime
import torch
import transformers
from transformers.exporters.configs import OnnxConfig
from transformers.exporters.exporter_onnx import OnnxExporter

OPSET = 20
TOLERANCE = 1e-4
"""Largest difference of logits from torch's own, relative to the largest logit."""
_CACHED_TOKENS, _NEW_TOKENS = 7, 3
"""Of the example that is traced; neither may be 0 or 1, which would become constants."""
_Fusions = Literal["cpu"] | None
_FUSIONS: tuple[_Fusions, ...] = ("cpu", None)
"""Tried in this order: operators fused for onnxruntime where that computes the same."""


class OtherLogitsError(Exception):
    """The exported graph computes other logits than torch, by so much."""

    def __init__(self, difference: float) -> None:
        super().__init__(difference)
        self.difference = difference


def main() -> int:
    """Export as the command line says; 0 where the graph was written."""
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    channel = sys.stdout
    with redirect_stdout(sys.stderr), _quiet():
        try:
            export(folder, target, channel)
        except OtherLogitsError as error:
            _tell(channel, difference=error.difference)
            return 1
        except BrokenPipeError:  # nobody is there to be told, nor to use the graph
            return 1
        except Exception as error:  # noqa: BLE001 - whatever went wrong is told in one line
            _tell(channel, error=_one_line(error))
            return 1
    return 0


def export(folder: Path, target: Path, channel: TextIO) -> None:
    """Write the model of a folder as ONNX; raises whatever went wrong in its plainest form."""
    _tell(channel, stage="reading")
    torch.manual_seed(0)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, trust_remote_code=False
    )
    model.eval()
    for fusions in _FUSIONS:
        _tell(channel, stage="tracing" if fusions else "tracing unfused")
        try:
            _write(model, target, fusions)
            _tell(channel, stage="comparing")
            _compare(model, target)
        except BrokenPipeError:
            raise
        except Exception:
            # A plainer form may still be right.
            if fusions is _FUSIONS[-1]:
                raise
        else:
            return


def _write(model: Any, target: Path, fusions: _Fusions) -> None:  # noqa: ANN401 - untyped library
    with torch.no_grad():
        before = model(
            _tokens(model, _CACHED_TOKENS), past_key_values=_empty_cache(), use_cache=True
        )
    example = {
        "input_ids": _tokens(model, _NEW_TOKENS),
        "attention_mask": torch.ones(1, _CACHED_TOKENS + _NEW_TOKENS, dtype=torch.long),
        "past_key_values": before.past_key_values,
    }
    options = OnnxConfig(dynamic=True, opset_version=OPSET, ort_fusions=fusions)
    exported = OnnxExporter().export(model, example, config=options)
    for path in target.parent.iterdir():
        path.unlink()
    OnnxExporter.save_program(exported.program, target)


def _empty_cache() -> Any:  # noqa: ANN401 - untyped library
    """Return a cache that keeps every row; masks alone make a window slide."""
    return transformers.DynamicCache()


def _tokens(model: Any, count: int) -> Any:  # noqa: ANN401 - untyped library
    return torch.randint(0, model.config.get_text_config().vocab_size, (1, count))


def _compare(model: Any, target: Path) -> None:  # noqa: ANN401 - untyped library
    """Refuse a graph whose logits are not torch's, for a prompt and the tokens behind it."""
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    tokens = _tokens(model, 9)
    with torch.no_grad():
        expected = model(tokens, use_cache=False).logits[0].numpy()
    caches = {
        value.name: np.zeros((1, int(value.shape[1]), 0, int(value.shape[3])), np.float32)
        for value in session.get_inputs()
        if len(value.shape) == 4
    }
    names = [value.name for value in session.get_outputs()]
    for first, after in ((0, 6), (6, 8), (8, 9)):
        feeds = {
            "input_ids": tokens[:, first:after].numpy(),
            "attention_mask": np.ones((1, after), np.int64),
            **caches,
        }
        found = dict(zip(names, session.run(None, feeds), strict=True))
        difference = np.abs(found["logits"][0] - expected[first:after]).max()
        if not difference <= TOLERANCE * np.abs(expected).max():
            raise OtherLogitsError(float(difference))
        caches = {name: found[name.replace("input.", "output.", 1)] for name in caches}


def _tell(channel: TextIO, **fields: str | float) -> None:
    channel.write(json.dumps(fields) + "\n")
    channel.flush()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what libraries have to say about themselves off the terminal."""
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]


if __name__ == "__main__":
    sys.exit(main())
