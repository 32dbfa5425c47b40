"""How BERT and its kin call the same weights: in checkpoints and in configurations."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class BertTensorNames:
    """How a family calls the parts of a layer, of the head, and fields of its configuration."""

    family: str
    prefix: str
    layers: str
    query: str
    key: str
    value: str
    output: str
    attention_norm: str
    up: str
    down: str
    inner_norm: str
    pooler: str
    pooler_activation: str
    scores: str
    segments: bool = True
    positions_after_pad: bool = False
    """Positions count from behind the pad token's number."""


BERT = BertTensorNames(
    family="bert",
    prefix="bert.",
    layers="encoder.layer",
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    output="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    up="intermediate.dense",
    down="output.dense",
    inner_norm="output.LayerNorm",
    pooler="bert.pooler.dense",
    pooler_activation="Tanh",
    scores="classifier",
)
ROBERTA = replace(
    BERT,
    family="roberta",
    prefix="roberta.",
    pooler="classifier.dense",
    scores="classifier.out_proj",
    positions_after_pad=True,
)
DISTILBERT = BertTensorNames(
    family="distilbert",
    prefix="distilbert.",
    layers="transformer.layer",
    query="attention.q_lin",
    key="attention.k_lin",
    value="attention.v_lin",
    output="attention.out_lin",
    attention_norm="sa_layer_norm",
    up="ffn.lin1",
    down="ffn.lin2",
    inner_norm="output_layer_norm",
    pooler="pre_classifier",
    pooler_activation="Relu",
    scores="classifier",
    segments=False,
)
