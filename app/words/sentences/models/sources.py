"""What `app.models` says of the hub and of GGUF files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "gguf.cut_short": message(
        "{file} is cut short: it has {present:bytes} of {wanted:bytes}. Nothing was imported."
    ),
    "gguf.damaged": message("{file} is damaged: its head makes no sense."),
    "gguf.experts": message("GGUF files of mixtures of experts are not read."),
    "gguf.head_cut_short": message("{file} is cut short: its head goes on behind its end."),
    "gguf.lacks_tensor": message("The GGUF file lacks the tensor {tensor}."),
    "gguf.other_file": message("{file} is not a GGUF file."),
    "gguf.part": message("This GGUF file is one of several parts, which are not read."),
    "gguf.shape": message("Tensor {tensor} of {file} has a shape that cannot be."),
    "gguf.changed": message("{file} changed while it was read."),
    "gguf.bad_tokenizer": message("The tokenizer in {file} is damaged."),
    "gguf.unknown_tokenizer": message("{file} has a tokenizer of a kind that is not read: {kind}."),
    "gguf.unknown_splitting": message(
        "{file} splits texts by a rule that is not known here: {kind}."
    ),
    "gguf.two_head_sizes": message("GGUF files with keys and values of two sizes are not read."),
    "gguf.unknown_architecture": message(
        "GGUF files of the architecture {name} are not read; known are {known}."
    ),
    "gguf.unknown_type": message("Tensor {tensor} of {file} is of the unknown type {type}."),
    "gguf.unreadable": message("Cannot read {file}: {reason}."),
    "gguf.version": message("{file} is GGUF of version {version}; read are 2 and 3."),
    "hub.adapter": message("{model} is an adapter, not a whole model."),
    "hub.cached": message("{problem} To be had without it, from the cache: {models}."),
    "hub.damaged": message("{file} arrived damaged and was thrown away."),
    "hub.disk_full": message(
        "The download needs {needed:bytes} in {folder}, where {free:bytes} are free."
    ),
    "hub.downloaded_elsewhere": message("Another program is downloading {file} right now."),
    "hub.failed": message("The hub failed with status {status} for {model}."),
    "hub.file": message("{file} ({size:bytes})"),
    "hub.file_gone": message("{file} is no longer at the hub."),
    "hub.forbidden": message("The hub does not give {model} to the owner of this token."),
    "hub.gated": message("{model} is given only to those who accept its terms."),
    "hub.index_names_missing": message("The index names {file}, which the repository lacks."),
    "hub.many_of_that_name": message("{model} could be any of these files: {files}."),
    "hub.more_files": plural("{count} more", "{count} more"),
    "hub.no_configuration": message("{model} has no config.json: it cannot be imported."),
    "hub.no_gguf": message("{model} has no file {file} that can be read."),
    "hub.no_hub": message("{address} does not answer as a model hub does."),
    "hub.no_name": message("{text} is neither a file here nor a model's name."),
    "hub.no_such_file": message("{model} has no file {file}. There are: {files}."),
    "hub.no_weights": message(
        "{model} has no weights that can be read: no {wanted} and no GGUF file."
    ),
    "hub.no_whole_download": message("{folder} holds no whole download of a model."),
    "hub.not_kept": message("{file} could not be kept in {folder}: {reason}."),
    "hub.offline": message("The hub is not asked, because HF_HUB_OFFLINE is set."),
    "hub.other_weights": message(
        "{model} has no weights that can be read; {file} is of a form that is not."
    ),
    "hub.several_files": message("{model} has several files: {files}."),
    "hub.silent": message("The hub at {address} stopped answering."),
    "hub.similar": message("{problem} Similar names: {models}."),
    "hub.taken_from_cache": message("{problem} What was downloaded before is taken."),
    "hub.token_refused": message("The hub does not accept this token for {model}."),
    "hub.too_many": message("The hub was asked too often."),
    "hub.too_many_wait": message(
        "The hub was asked too often: it will answer again in {time:seconds}."
    ),
    "hub.unknown": message("The hub has no model {model}, or it is private and needs HF_TOKEN."),
    "hub.unknown_revision": message("The hub has no such revision: {model}."),
    "hub.unreachable": message("The hub at {address} does not answer: {reason}."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "gguf.part": message("Join them with llama-gguf-split --merge first."),
    "gguf.cut_short": message("Download it again."),
    "hub.adapter": message("Import the model that it was made for."),
    "hub.damaged": message("Import it again."),
    "hub.disk_full": message("Make room, or set HF_HOME to a folder on another disk."),
    "hub.downloaded_elsewhere": message("Wait for it, then import again."),
    "hub.failed": message("Try again later."),
    "hub.file_gone": message("Import it again."),
    "hub.gated": message("Do so at {address}, then set HF_TOKEN."),
    "hub.many_of_that_name": message("Give more of the name."),
    "hub.no_hub": message("Check HF_ENDPOINT."),
    "hub.no_name": message("Names are OWNER/NAME, OWNER/NAME@REVISION or OWNER/NAME:FILE.gguf."),
    "hub.not_kept": message("What has come stays; the next import goes on with it."),
    "hub.several_files": message("Name one, as {example}."),
    "hub.silent": message("What has come stays; the next import goes on with it."),
    "hub.token_refused": message("Check HF_TOKEN."),
    "hub.too_many": message("Try again later; HF_TOKEN allows more."),
}
