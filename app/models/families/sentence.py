"""From a text's hidden states to one vector, as the folder's sentence-transformers files say."""

from __future__ import annotations

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.families.pooling import DenseStep, PoolingMode, SentenceVector
from app.models.families.weights import linear, matrix
from app.models.sentence_settings import SECTION, DenseSettings, dense_settings


def sentence_vector(
    configuration: Configuration, hidden_size: int, default: PoolingMode = PoolingMode.MEAN
) -> SentenceVector:
    """Return how sentences are pooled; where nothing is said, as `default`, of length 1.

    Raises `BadInputError` where layers behind the pooling do not lead from and to rows of
    `hidden_size`.
    """
    settings = configuration.section(SECTION) or Configuration({})
    mode = PoolingMode(settings.text("pooling", default.value))
    listed = dense_settings(configuration)
    sizes = [hidden_size, *(size for step in listed for size in (step.columns, step.rows))]
    if any(
        before != after
        for before, after in zip(sizes[::2], [*sizes[1::2], hidden_size], strict=True)
    ):
        raise BadInputError("sentence_modules.dense_size", size=hidden_size)
    steps = tuple(_step(*each) for each in enumerate(listed))
    return SentenceVector(mode, normed=settings.flag("normed", default=True), steps=steps)


def _step(index: int, step: DenseSettings) -> DenseStep:
    source = matrix(f"{step.folder}/linear", step.rows, step.columns)
    return DenseStep(linear(f"head.dense.{index}", source, bias=step.bias), step.activation)
