"""The whole model in one plain onnxruntime session: the reference that shards must equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.models.library import Library
from workers.engine.session import ERRORS_ONLY


class WholeModel:
    """One session and one attention cache, bound in place."""

    def __init__(self, manifest: ModelManifest, library: Library, threads: int = 1) -> None:
        (chain,) = manifest.chains
        shard = library.shard(manifest, chain.whole)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = ERRORS_ONLY
        self._session = onnxruntime.InferenceSession(
            str(library.store.path(shard.graph.sha256)),
            options,
            providers=["CPUExecutionProvider"],
        )
        shape = (1, manifest.kv_heads, manifest.context_tokens, manifest.head_size)
        self._cache = {
            f"{layer}.{part}": np.zeros(shape, np.dtype(manifest.cache_rows.value))
            for layer in range(manifest.layer_count)
            for part in ("key", "value")
        }

    def step(self, tokens: Sequence[int], position: int) -> NDArray[np.float32]:
        """Run tokens that follow `position` cached ones; returns logits [vocabulary]."""
        binding = self._session.io_binding()
        length = position + len(tokens)
        binding.bind_cpu_input("input_ids", np.array([tokens], np.int64))
        binding.bind_cpu_input("seqlens_k", np.array([length - 1], np.int32))
        binding.bind_cpu_input("total_len", np.array(length, np.int32))
        for name, buffer in self._cache.items():
            place = ("cpu", 0, buffer.dtype.type, buffer.shape, buffer.ctypes.data)
            binding.bind_input(f"past.{name}", *place)
            binding.bind_output(f"present.{name}", *place)
        binding.bind_output("logits", "cpu")
        self._session.run_with_iobinding(binding)
        logits: NDArray[np.float32] = binding.get_outputs()[-1].numpy()[0]
        return logits


def run_whole(
    model: ModelManifest, library: Library, token_ids: Sequence[int], tokens: int
) -> list[int]:
    """Return up to `tokens` greedily chosen tokens; an end token is the last one returned.

    Raises `BadInputError` where prompt and answer do not fit the context.
    """
    if not token_ids or len(token_ids) + tokens > model.context_tokens:
        raise BadInputError(
            "model.context_too_short",
            prompt=len(token_ids),
            more=tokens,
            context=model.context_tokens,
        )
    whole = WholeModel(model, library)
    generated: list[int] = []
    pending, position = list(token_ids), 0
    while len(generated) < tokens:
        token = int(whole.step(pending, position).argmax())
        generated.append(token)
        if token in model.end_tokens:
            break
        position += len(pending)
        pending = [token]
    return generated
