"""An ONNX file with what lies beside it, read as a checkpoint is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.cutting.batching import with_batches
from app.models.cutting.plain_graph.onnx_file import OnnxTensors, read_graph
from app.models.cutting.skeleton import Skeleton, cut
from app.models.formats.model_folder import CONFIGURATION_FILE, Float32Array, ModelFolder

ONNX_SUFFIX = ".onnx"


class OnnxCheckpoint(ModelFolder):
    """An ONNX decoder, cut at its layers.

    Configuration, generation settings and tokenizer of `folder` are used where they are there; it
    is the graph's own unless said otherwise. Raises `BadInputError` where the graph cannot be read
    or cut.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        beside = folder or path.parent
        configuration = beside / CONFIGURATION_FILE
        known = configuration.is_file()
        super().__init__(
            beside, Configuration.from_file(configuration) if known else Configuration({})
        )
        self.tensors, self.skeleton, self.batches = _cut(path)
        self.weight_files = (path, *self.tensors.files)

    def require(self, tensor: str, shape: tuple[int, ...]) -> None:
        """Refuse a tensor of another shape; the graph itself says which are there."""
        found = tuple(self.skeleton.graph.constants[tensor].dims)
        if found != shape:
            raise BadInputError(
                "tensor.of_other_shape", tensor=tensor, found=str(found), expected=str(shape)
            )

    def pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]] = (), *, transposed: bool = False
    ) -> Iterator[Float32Array]:
        """Yield a tensor in pieces; what is no float stays what it is."""
        return self.tensors.pieces(tensor, rows, transposed=transposed)


def _cut(path: Path) -> tuple[OnnxTensors, Skeleton, Skeleton | None]:
    """Read and cut a file; a stranger's graph can be wrong in any way, and is then refused.

    The second skeleton is that for batches, where rows of several sequences may go together.
    """
    model = read_graph(path)
    try:
        tensors = OnnxTensors(model, path.parent)
        skeleton = cut(model, tensors)
        return tensors, skeleton, with_batches(skeleton)
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInputError(
            "graph.damaged", file=path.name, kind=type(error).__name__, reason=reason
        ) from error
