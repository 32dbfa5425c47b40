"""What `app.models` says of checkpoints while it imports them, their graphs aside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "chat_template.file_too_large": message("{file} is too large to be a chat template."),
    "chat_template.list_empty": message("The list of chat templates is empty."),
    "chat_template.list_malformed": message(
        "The list of chat templates is not one of names and texts."
    ),
    "chat_template.no_default": message(
        "None of the chat templates is the default one; there are: {known}."
    ),
    "chat_template.not_a_text": message("The chat template in {file} is not a text."),
    "chat_template.too_large": message("The chat template is too large."),
    "chat_template.unreadable": message("Cannot read the chat template {file}: {reason}."),
    "checkpoint.architecture": message("'{name}'"),
    "checkpoint.architecture_unknown": message(
        "Unknown architecture ({found}); known are {known}."
    ),
    "checkpoint.architecture_unusual": message("'{name}' ({reason})"),
    "checkpoint.encoder_decoder": message(
        "{name} reads with an encoder and writes with a decoder; of such models T5, BART, mBART,"
        " Marian, Pegasus, M2M100 and NLLB are supported."
    ),
    "checkpoint.file_outside": message("{index} names a file outside its folder: {file}."),
    "checkpoint.form_unread": message(
        "The weights are quantised in the form '{form}', which is not read (read are: {read})."
        " Import the checkpoint that it was made from, or a GGUF file of the model."
    ),
    "checkpoint.latent_attention": message(
        "{name} keeps its keys and values as one latent vector (MLA), which is not supported yet."
        " Import one distilled from it into Llama or Qwen, or Qwen 3 with experts."
    ),
    "checkpoint.layer_embeddings": message(
        "{name} looks tokens up in every layer again, which is not supported yet. Import Gemma 3."
    ),
    "checkpoint.no_architecture": message("Unknown architecture (none named); known are {known}."),
    "checkpoint.no_folder": message("{folder} is not a folder."),
    "checkpoint.not_exported": message(
        "{reason} Only models that write texts are exported instead: import the checkpoint"
        " that this one was made from."
    ),
    "checkpoint.recurrent": message(
        "{name} has layers with a running state instead of attention, which are not supported yet."
        " Import a model whose layers all attend, such as Qwen 3, Granite 3 or SmolLM3."
    ),
    "adapter.factors_lack": message(
        "The adapter's factors for {module} are missing or do not fit together."
    ),
    "adapter.kind_unread": message("Adapters of the kind {kind} are not read, only plain LoRA."),
    "adapter.not_exported": message(
        "An adapter cannot be merged into {family}, which is exported: merge it first"
        " (merge_and_unload of peft)."
    ),
    "adapter.of_other_model": message(
        "The adapter is for another model: {tensor} is not here, or of another size"
        " (it was made for {base})."
    ),
    "adapter.tensor_unknown": message("The adapter holds {tensor}, which is not read."),
    "adapter.without_base": message(
        "{folder} holds an adapter (LoRA) alone. Import its base, {base}, with --adapter and this"
        " folder."
    ),
    "checkpoint.consolidated_quantised": message(
        "{file} says that the weights are quantised, which is not read in Mistral's own form."
        " Import the model's safetensors in the form of transformers."
    ),
    "checkpoint.file_unread": message(
        "The weights in {file} are not read. Save them as safetensors (save_pretrained of"
        " transformers) or import a GGUF file of the model."
    ),
    "checkpoint.sees": message(
        "{name} sees or hears in a way that is not supported yet; Idefics3, SmolVLM and LLaVA 1.5"
        " see here. Of Gemma 3 and Mistral 3 the text part is imported."
    ),
    "configuration.field_lacking": message("The configuration lacks the field {field}."),
    "configuration.label_no_text": message(
        "Configuration field id2label has a label that is no text: {value}."
    ),
    "configuration.labels_not_numbered": message(
        "Configuration field id2label does not number the labels from 0."
    ),
    "configuration.layer_types": message(
        "Configuration field layer_types is not a known type for each layer."
    ),
    "configuration.no_rope_layers": message(
        "Configuration field no_rope_layers is not 0 or 1 for each layer."
    ),
    "configuration.not_a_flag": message(
        "Configuration field {field} is neither true nor false: {value}."
    ),
    "configuration.not_a_list": message("Configuration field {field} is not a list."),
    "configuration.not_a_number": message("Configuration field {field} is not a number: {value}."),
    "configuration.not_a_section": message("Configuration field {field} is not an object."),
    "configuration.not_a_size": message(
        "Configuration field {field} is not a usable size: {value}."
    ),
    "configuration.not_a_text": message("Configuration field {field} is not a text: {value}."),
    "configuration.not_a_token": message("Configuration field {field} is not a token id: {value}."),
    "configuration.not_an_object": message("{file} is not a JSON object."),
    "configuration.not_positive": message(
        "Configuration field {field} is not a positive number: {value}."
    ),
    "configuration.too_large": message("{file} is too large to be a configuration."),
    "export.comparing": message("comparing with torch"),
    "export.ended": message("the process ended with status {status}: {words}"),
    "export.ended_silently": message("the process ended with status {status} without a word"),
    "export.failed": message("{architecture} cannot be exported: {reason}"),
    "export.looking": message("looking for an earlier export"),
    "export.no_output": message("it has no output"),
    "export.other_logits": message(
        "the exported graph computes other logits (by {difference:.2g})"
    ),
    "export.packages_missing": message(
        "Importing {architecture} needs {packages}, not installed here;"
        " type: pip install 'shardloom[import]'"
    ),
    "export.reading": message("reading the checkpoint"),
    "export.starting": message("starting torch"),
    "export.tracing": message("tracing the layers"),
    "export.tracing_unfused": message("tracing the layers, unfused"),
    "block.embedding": message("embedding"),
    "block.head": message("head"),
    "block.layer": message("layer {layer}"),
    "import.cache_of_other_family": message(
        "What {family} keeps of a text can only be kept as f32: f16 and int8 are for decoders that"
        " are built here layer by layer."
    ),
    "import.calibration_short": message(
        "The text {text} is too short to calibrate by: it has fewer than {least} tokens."
    ),
    "import.merging": message("merging the adapter {adapter}"),
    "import.rounded_twice": message(
        "The weights come in blocks that four bits of ours do not hold, and were rounded a second"
        " time; q8 keeps them exactly."
    ),
    "import.uncalibrated": message(
        "The model has no tokenizer: its four bits were rounded without a text to calibrate by."
    ),
    "import.uncalibrated_large": message(
        "A layer takes {layer:bytes} in float32, more than the {most:bytes} that one is calibrated"
        " in: the four bits were rounded without a text."
    ),
    "import.uncalibrated_eyes": message(
        "The decoder of a model that sees is not calibrated: its four bits were rounded without a"
        " text. What looks at pictures stays float32."
    ),
    "import.uncalibrated_pair": message(
        "Encoder and decoder are not calibrated: their four bits were rounded without a text."
    ),
    "import.text_part": message("Images are not read: this is the model's text part."),
    "import.unquantised": message(
        "{percent} percent of the model are matrices that could not be quantised and stay float32."
    ),
    "import.trying_rows": message("trying rows together"),
    "sentence_modules.dense_size": message(
        "Layers behind the pooling that do not lead from and to {size} numbers are not supported."
    ),
    "tensor.groups_unknown": message("{tensor} names groups of columns that there are none of."),
    "tensor.state_unreadable": message("What {tensor} says of its form cannot be read."),
    "tokenizer.damaged": message("{path} is damaged."),
    "tokenizer.splitting_unknown": message(
        "How a tokenizer of the class {kind} splits texts is not known; put its tokenizer.json"
        " beside {file}."
    ),
    "tokenizer.unigrams": message(
        "{file} holds unigrams, which are not read; put the model's tokenizer.json beside it."
    ),
    "sentence_modules.no_pooling": message("This pooling of sentences is not supported: none."),
    "sentence_modules.outside": message("{file} names a folder outside its own: {folder}."),
    "sentence_modules.pooling_unknown": message(
        "This pooling of sentences is not supported: {pooling}."
    ),
    "sentence_modules.step_unknown": message("{file} has a step that is not supported: {step}."),
    "sentence_modules.too_large": message("{file} is too large to be a list of modules."),
    "tensor.missing": message("The checkpoint lacks the tensor {tensor}."),
    "tensor.not_finite": message("Tensor {tensor} holds values that are not finite numbers."),
    "tensor.of_other_shape": message("Tensor {tensor} has shape {found}, expected {expected}."),
    "tensor.type_unreadable": message("Tensor {tensor} is {type}; readable are {readable}."),
    "tokenizer.added_beyond": message(
        "The tokenizer has {known} tokens, the model {usable}: texts with the added ones beyond"
        " cannot be run."
    ),
    "tokenizer.not_one": message("{path} is not a tokenizer: {reason}."),
    "tokenizer.of_other_model": message(
        "The tokenizer has {known} tokens but the model {usable}: they do not match."
    ),
    "tokenizer.too_large": message("{path} is too large to be a tokenizer."),
    "weights.damaged_file": message("Weight file {file} is damaged or cut short: {reason}."),
    "weights.missing": message("{folder} has no weight file {file}."),
}
ADVICE: Final[Mapping[str, Message]] = {}
