"""What `app.models` says of the models of a home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "grammar.astray": message("The text has left the form that it was to keep ({reason})."),
    "grammar.refused": message("That form cannot be kept to: {reason}"),
    "grammar.too_long": message("A form is described in at most {most} characters."),
    "grammar.without_end": message(
        "This model has no token that ends a text: it cannot keep to a form."
    ),
    "blob.not_a_hash": message("'{text}' is not a SHA-256."),
    "chat_template.damaged": message("A stored chat template is damaged: {reason}."),
    "chat_template.endless": message(
        "The model's chat template does not end within {limit} s of computing."
    ),
    "chat_template.memory": message(
        "The model's chat template needs more than {limit_mib} MiB of memory."
    ),
    "chat_template.no_answer": message(
        "The model's chat template gave no answer within {limit} s."
    ),
    "chat_template.process_broken": message(
        "The model's chat template broke the process it runs in (status {status}): {words}."
    ),
    "chat_template.process_refused": message(
        "The process for a chat template cannot start: {reason}."
    ),
    "chat_template.process_silent": message(
        "The model's chat template broke the process it runs in (status {status}) without a word."
    ),
    "chat_template.refuses": message(
        "The model's chat template refuses this conversation: {words}."
    ),
    "chat_template.writes_more": message(
        "The model's chat template writes more than {limit_mib} MiB."
    ),
    "file.unreadable": message("Cannot read {path}: {reason}."),
    "folder.unwritable": message("Cannot write to {folder}: {reason}."),
    "model.context_too_short": message(
        "The prompt of {prompt} tokens and {more} more do not fit the context of {context}."
    ),
    "model.imported_anew": message("Model {model} was imported anew: plan it again."),
    "model.layers_beyond": message(
        "{model} has layers 0 to {last}, not {first_asked} to {last_asked}."
    ),
    "model.other_chain": message("{model} has no {asked}."),
    "model.name_refused": message(
        "'{name}' is not a model name; use letters, digits, dots, dashes, underscores."
    ),
    "model.numbers_unusable": message("Model {model} computes no usable numbers on this text."),
    "model.predicts_nothing": message("Model {model} writes no texts, so it predicts none."),
    "model.reads_no_text": message("Model {model} has no tokenizer, so it cannot read a text."),
    "model.deleted": message("{model} was removed, {size:bytes} freed."),
    "model.without_roots": message("The weight files of {model} have no roots yet: open it anew."),
    "model.unknown": message("There is no model {model}; known are: {known}."),
    "model.unknown_as_all": message("There is no model {model}; known are: none yet."),
    "model_file.damaged": message("Model file {file} is damaged; import the model again."),
    "model_file.newer": message(
        "Model file {file} is from a newer version of Shardloom; update Shardloom."
    ),
    "model_file.unusable": message("Model file {file} cannot be used: {reason}."),
    "model_file.version_unknown": message(
        "Model file {file} is of an unknown version; import the model again."
    ),
    "presets.blanks_wrong": message(
        "The texts for the task {task} in {path} must hold $text, may hold $language,"
        " and write any other dollar sign as $$."
    ),
    "presets.task_lacking": message("{path} has no message and plain text for the task {task}."),
    "presets.too_large": message("{path} is too large to hold presets."),
    "presets.unreadable": message("Cannot read the presets {path}: {reason}."),
    "quality.not_measured": message(
        "{model} is too large to be measured in a minute. Ask for it: shardloom models perplexity"
        " {model} --original FOLDER"
    ),
    "quantization.harmed": message(
        "{quantization} has clearly harmed {model}: its perplexity is {perplexity},"
        " before quantisation {original} (lower is better)."
    ),
    "quantization.harmed_by_q4": message(
        "{quantization} has clearly harmed {model}: its perplexity is {perplexity},"
        " before quantisation {original} (lower is better)."
    ),
    "quantization.unknown": message("Unknown quantisation '{quantization}'; choose {known}."),
    "sample_text.too_large": message("{path} is too large: only the first tokens are read anyway."),
    "sample_text.too_short": message("The text {text} is too short."),
    "task.language_lacking": message("Say which language to translate into, such as German."),
    "task.text_lacking": message("There is no text to work on."),
    "weights.damaged_blob": message("Weight file {blob} is damaged."),
    "weights.missing_blob": message("Weight file {blob} is missing or cut short."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "quantization.harmed": message("Import it as f32."),
    "quantization.harmed_by_q4": message("Import it as q8 or f32."),
}
