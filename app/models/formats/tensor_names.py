"""The names that one tensor may have in a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

_EYES = ("vision_tower.", "multi_modal_projector.")


def names_of(tensor: str) -> Iterator[str]:
    """Yield the names a tensor may have.

    A checkpoint saved without its head's model lacks the first word; the first BERTs called a
    norm's scale and shift gamma and beta; of a model that sees the text part lies under a word
    more, which newer checkpoints have behind the first. What looks at pictures lost a word, too,
    and gained the model's before it.
    """
    for name in (tensor, tensor.partition(".")[2]):
        yield name
        if "LayerNorm" in name:
            yield name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")
    yield "language_model." + tensor
    if tensor.startswith("model."):
        yield tensor.replace("model.", "model.language_model.", 1)
        yield tensor.replace("model.", "model.text_model.", 1)
    if tensor.startswith(_EYES):
        for name in (tensor, tensor.replace("vision_tower.vision_model.", "vision_tower.", 1)):
            yield name
            yield "model." + name
