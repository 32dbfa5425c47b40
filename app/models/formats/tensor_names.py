"""The names that one tensor may have in a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator


def names_of(tensor: str) -> Iterator[str]:
    """Yield the names a tensor may have.

    A checkpoint saved without its head's model lacks the first word; the first BERTs called a
    norm's scale and shift gamma and beta; of a model that sees the text part lies under a word
    more, which newer checkpoints have behind the first.
    """
    for name in (tensor, tensor.partition(".")[2]):
        yield name
        if "LayerNorm" in name:
            yield name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")
    yield "language_model." + tensor
    if tensor.startswith("model."):
        yield tensor.replace("model.", "model.language_model.", 1)
        yield tensor.replace("model.", "model.text_model.", 1)
