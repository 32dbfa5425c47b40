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
    positions: bool = True
    positions_after_pad: bool = False
    """Positions count from behind the pad token's number."""
    biases: bool = True
    gate: str = ""
    embedding_norm: str = "embeddings.LayerNorm"
    packed: bool = True
    """Whether queries, keys and values are multiplied together."""
    distance_bias: str = ""
    """What is added to scores by distance."""


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
    pooler_activation="tanh",
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
    pooler_activation="relu",
    scores="classifier",
    segments=False,
)
MPNET = replace(
    BERT,
    family="mpnet",
    prefix="mpnet.",
    query="attention.attn.q",
    key="attention.attn.k",
    value="attention.attn.v",
    output="attention.attn.o",
    attention_norm="attention.LayerNorm",
    pooler="classifier.dense",
    scores="classifier.out_proj",
    segments=False,
    positions_after_pad=True,
    distance_bias="encoder.relative_attention_bias",
)
NOMIC = BertTensorNames(
    family="nomic",
    prefix="nomic_bert.",
    layers="encoder.layers",
    query="attn.Wqkv",
    key="",
    value="",
    output="attn.out_proj",
    attention_norm="norm1",
    up="mlp.fc11",
    down="mlp.fc2",
    inner_norm="norm2",
    pooler="nomic_bert.pooler.dense",
    pooler_activation="tanh",
    scores="classifier",
    positions=False,
    biases=False,
    embedding_norm="emb_ln",
    gate="mlp.fc12",
)
"""Queries, keys and values are stored as one matrix."""
DEBERTA = replace(
    BERT,
    family="deberta",
    prefix="deberta.",
    query="attention.self.query_proj",
    key="attention.self.key_proj",
    value="attention.self.value_proj",
    pooler="pooler.dense",
    pooler_activation="",
    packed=False,
)
