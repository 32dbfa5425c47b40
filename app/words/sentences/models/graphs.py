"""What `app.models` says of graphs that it cuts and of families that it builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "family.activation": message(
        "Models with activation '{activation}' are not supported; known are {known}."
    ),
    "family.bert_positions": message("BERT models with '{kind}' positions are not supported."),
    "family.bert_writes_texts": message("BERT models that write texts are not supported."),
    "family.bloom_residual_at_norm": message(
        "BLOOM models whose residual starts at the norm are not supported."
    ),
    "family.eyes_field": message(
        "Looking at pictures with this setting of {field} is not supported."
    ),
    "family.encoder_field": message("An encoder with this setting of {field} is not supported."),
    "family.pooling_of_decoder": message(
        "A decoder whose vector is not its last token's ({pooling}) is not supported."
    ),
    "family.cohere_head_norms": message(
        "Command models that norm their queries and keys are not supported."
    ),
    "family.clipped_queries": message("Models that clip their queries are not supported."),
    "family.experts_chosen": message(
        "A token cannot choose {chosen} experts where there are {known}."
    ),
    "family.gpt2_scale_by_layer": message(
        "GPT-2 models that scale attention by the layer are not supported."
    ),
    "family.gemma_both_ways": message(
        "Gemma models that read in both directions are not supported."
    ),
    "family.gpt2_unscaled": message("GPT-2 models without scaled attention are not supported."),
    "family.head_size": message(
        "Attention heads of size {size} are not supported, only multiples of {step}."
    ),
    "family.heads_share_columns": message(
        "{heads} attention heads cannot share {columns} columns."
    ),
    "family.heads_share_heads": message(
        "{heads} attention heads cannot share {kv_heads} key-value heads."
    ),
    "family.opt_norm_behind": message("OPT models with norms behind attention are not supported."),
    "family.opt_norm_weightless": message(
        "OPT models whose norms have no weights are not supported."
    ),
    "family.opt_projected": message("OPT models with a projected embedding are not supported."),
    "family.too_few_positions": message(
        "Only {stored} positions are stored: too few for any text."
    ),
    "graph.of_two_chains": message(
        "The computation graph of {model}, which has an encoder and a decoder, is not drawn yet."
    ),
    "graph.cache_heads_unknown": message(
        "The graph does not say how many heads the cache {cache} has."
    ),
    "graph.cache_not_extended": message(
        "The cache {cache} must be extended by rows behind it and put out; {node} reads it."
    ),
    "graph.cache_unread": message(
        "The cache {cache} must be extended by rows behind it and put out; no node reads it."
    ),
    "graph.caches_differ": message(
        "Layers with caches of different sizes cannot be run: {shapes}."
    ),
    "graph.constant_unknown": message("Constant {constant} is of a kind that is not known."),
    "graph.control_flow": message(
        "The graph cannot be split: node {node} ({operator}) runs one of several graphs."
    ),
    "graph.damaged": message("{file} is damaged or no proper ONNX graph ({kind}: {reason})."),
    "graph.embedding_reads": message(
        "The graph cannot be split: the embedding reads {value}, which is not there (node {node})."
    ),
    "graph.empty": message("{file} is no ONNX file: it holds no graph."),
    "graph.head_reads": message(
        "The graph cannot be split: the head reads {value}, which is not there (node {node})."
    ),
    "graph.input_unknown": message("It is not known what to feed the graph's input {input}."),
    "graph.layer_reads": message(
        "The graph cannot be split: layer {layer} reads {value}, which is not there (node {node})."
    ),
    "graph.logits_of_other_shape": message(
        "The graph's logits are not [batch, tokens, vocabulary]."
    ),
    "graph.no_cache": message(
        "The graph has no cache inputs (past keys and values): export it with its cache."
    ),
    "graph.no_cut": plural(
        "The graph cannot be split: no point where one tensor carries everything after layer"
        " {layer} (node {node}); {caches} cache is read before the next.",
        "The graph cannot be split: no point where one tensor carries everything after layer"
        " {layer} (node {node}); {caches} caches are read before the next.",
        "caches",
    ),
    "graph.no_cut_after_embedding": plural(
        "The graph cannot be split: no point where one tensor carries everything after the"
        " embedding (node {node}); {caches} cache is read before the next.",
        "The graph cannot be split: no point where one tensor carries everything after the"
        " embedding (node {node}); {caches} caches are read before the next.",
        "caches",
    ),
    "graph.no_cut_after_last": message(
        "The graph cannot be split: no point where one tensor carries everything after layer"
        " {layer}."
    ),
    "graph.no_cut_after_node": message(
        "The graph cannot be split: no point where one tensor carries everything after layer"
        " {layer} (node {node})."
    ),
    "graph.no_cut_at_first_layer": message(
        "The graph cannot be split: no single tensor carries everything from the embedding"
        " to the first layer."
    ),
    "graph.no_logits": message("Besides the cache the graph must put logits out, not: none."),
    "graph.no_token_ids": message("The graph has no input for token ids."),
    "graph.not_onnx": message("{file} is no ONNX file, or is cut short."),
    "graph.opset_too_old": message(
        "The graph is of ONNX opset {opset}; {oldest} or later is read."
    ),
    "graph.other_outputs": message(
        "Besides the cache the graph must put logits out, not: {found}."
    ),
    "graph.too_large": message("{file} is too large to be an ONNX graph."),
    "graph.vocabulary_unknown": message("The graph does not say how many tokens it knows."),
    "rotary.base": message("Rotary positions with base {base} are not supported, only above 1."),
    "rotary.frequencies": message(
        "Rotary scaling: high_freq_factor must be above low_freq_factor."
    ),
    "rotary.scaling_unknown": message(
        "Rotary scaling '{kind}' is not supported; supported are {supported}."
    ),
    "rotary.size": message("Rotary positions do not fit {turned} of {head_size} elements."),
    "tensor.beyond_file": message("Weight file {file} is cut short: {tensor} is not in it."),
    "tensor.damaged": message("Tensor {tensor} is damaged: {reason}."),
    "tensor.negative_size": message("Tensor {tensor} has a negative size."),
    "tensor.no_place": message("Tensor {tensor} has no usable place in its file: '{place}'."),
    "tensor.of_other_length": message(
        "Tensor {tensor} does not have the length that its shape says."
    ),
    "tensor.outside_folder": message(
        "Tensor {tensor} lies outside the graph's folder ('{location}'): refused."
    ),
    "tensor.type_beside_graph": message(
        "Tensor {tensor} is {type}, which is not read from beside a graph."
    ),
    "weights.missing_beside_graph": message("The weight file {file} is missing beside the graph."),
}
ADVICE: Final[Mapping[str, Message]] = {}
