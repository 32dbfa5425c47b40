"""How shards are opened in onnxruntime, and the names their graphs must have."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import onnxruntime

from workers.errors import EngineError
from workers.protocol.span_shape import FINAL_ROW, RowForm, SpanShape

PROVIDER = "CPUExecutionProvider"
ERRORS_ONLY = 3
PIXELS = "pixels"
"""The input of the first span of a chain that sees, `u1 [1, rows, numbers]`."""
PICTURE_ROWS = "picture_rows"
"""The input of a span with the embedding for rows made of a picture, `f4 [batch, rows, hidden]`."""
EXTERNAL_FILES = "session.model_external_initializers_file_folder_path"
_TYPES: Final = {
    RowForm.F32: "tensor(float)",
    RowForm.F16: "tensor(float16)",
    RowForm.INT8: "tensor(int8)",
}
"""As onnxruntime says what an input is."""


def open_session(graph: Path | bytes, threads: int, weights: Path | None = None) -> Any:  # noqa: ANN401 - untyped library
    """Return a sequential CPU session; its threads sleep when idle, for phones share a machine.

    `weights` is the folder of the files that a graph given as bytes refers to.
    Raises `EngineError` where onnxruntime cannot load the graph.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if weights is not None:
        options.add_session_config_entry(EXTERNAL_FILES, str(weights))
    model = graph if isinstance(graph, bytes) else str(graph)
    try:
        return onnxruntime.InferenceSession(model, options, providers=[PROVIDER])
    except Exception as error:
        raise EngineError("graph.unloadable", reason=one_line(error)) from error


def past_names(session: Any, shape: SpanShape) -> list[str]:  # noqa: ANN401 - untyped library
    """Return the names of the attention cache's inputs, in graph order.

    Raises `EngineError` where the graph's interface is not that of such a span.
    """
    inputs = [value.name for value in session.get_inputs()]
    outputs = {value.name for value in session.get_outputs()}
    past = [name for name in inputs if name.startswith("past.")]
    source = [name for name in inputs if name.startswith("source.") and shape.reads_source]
    pictures = [PICTURE_ROWS] if shape.takes_pictures else []
    expected = {input_name(shape), "seqlens_k", "total_len", *past, *source, *pictures}
    if set(inputs) != expected or output_name(shape) not in outputs:
        raise EngineError("graph.of_another_span")
    if len(past) != 2 * shape.layer_count * shape.cached:
        raise EngineError("graph.of_other_layers", found=len(past) // 2, wanted=shape.layer_count)
    kept = {value.type for value in session.get_inputs() if value.name in past}
    if not kept <= {_TYPES[shape.cache_rows]}:
        raise EngineError("graph.of_another_span")
    return past


def takes_batches(session: Any) -> bool:  # noqa: ANN401 - untyped library
    """Return whether the graph takes several sequences at once; one that was cut may not."""
    lengths = next(value for value in session.get_inputs() if value.name == "seqlens_k")
    return bool(lengths.shape != [1])


def shows_final_row(session: Any) -> bool:  # noqa: ANN401 - untyped library
    """Return whether the graph puts out what goes into its head."""
    return any(value.name == FINAL_ROW for value in session.get_outputs())


def input_name(shape: SpanShape) -> str:
    """Return the name of the input that carries tokens or hidden states."""
    if shape.looks and shape.has_embedding:
        return PIXELS
    return "input_ids" if shape.has_embedding else "hidden_in"


def output_name(shape: SpanShape) -> str:
    """Return the name of the output that carries logits, a vector or hidden states."""
    if not shape.has_head:
        return "hidden_out"
    return "answer" if shape.answer_size else "logits"


def one_line(error: Exception) -> str:
    """Return the first line of an error's text, shortened."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]
