"""The labels of a classifier, as its configuration lists them."""

from __future__ import annotations

from app.core.errors import BadInputError
from app.core.model import ModelTask, Scoring
from app.models.configuration import Configuration, shown
from app.models.families.interface import HeadOutput

DEFAULT_LABELS = 2
"""A configuration that says nothing of labels means two, by transformers' convention."""
MAXIMUM_LABELS = 1 << 16
MAXIMUM_LABEL_CHARACTERS = 200


def classification(configuration: Configuration) -> HeadOutput:
    """Return labels and scoring. Raises `BadInputError` for labels that are not numbered texts."""
    labels = _labels(configuration)
    return HeadOutput(ModelTask.CLASSIFICATION, labels, _scoring(configuration, len(labels)))


def _labels(configuration: Configuration) -> tuple[str, ...]:
    section = configuration.section("id2label")
    if section is None:
        count = configuration.dimension("num_labels", DEFAULT_LABELS, MAXIMUM_LABELS)
        return tuple(f"LABEL_{index}" for index in range(count))
    found = section.values
    if not 0 < len(found) <= MAXIMUM_LABELS or set(found) != {str(n) for n in range(len(found))}:
        raise BadInputError("configuration.labels_not_numbered")
    return tuple(_label(found[str(index)]) for index in range(len(found)))


def _label(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAXIMUM_LABEL_CHARACTERS:
        raise BadInputError("configuration.label_no_text", value=shown(value))
    return value


def _scoring(configuration: Configuration, count: int) -> Scoring:
    """Return what transformers' text classification does with the scores."""
    problem = configuration.values.get("problem_type")
    if problem == "regression":
        return Scoring.PLAIN
    if problem == "multi_label_classification" or count == 1:
        return Scoring.SIGMOID
    return Scoring.SOFTMAX
