"""What `app.devices.deployment` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "blob.odd_name": message("'{name}' is not a SHA-256."),
    "blob.of_another_size": message("{name} is not the {size:bytes} expected."),
    "phone.command_failed": message("{phone}: a command failed with code {exit_code}."),
    "phone.command_said": message("{phone}: {said}."),
    "phone.file_damaged": message(
        "{name} arrived damaged on {phone}; the damaged copy was removed."
    ),
    "phone.held": message("{phone} works for the control centre of {host}, since {since}."),
    "phone.storage_lacks": message("{phone} has too little storage: free {size:bytes} on it."),
    "phone.without_python": message("{phone} has no Python, and no runtime for it is here."),
    "phone_runtime.build": message("Build it with: {command}"),
    "phone_runtime.damaged": message("{name} is damaged."),
    "phone_runtime.never": message("Workers run on {supported:and} only, not on {abi}."),
    "phone_runtime.never_for_this_phone": message(
        "Workers run on {supported:and} only, not on this phone."
    ),
    "phone_runtime.not_built": message("The runtime for phones was not built ({reason})."),
    "phone_runtime.odd_hash": message("It names no SHA-256."),
    "phone_runtime.odd_size": message("Its sizes are no whole numbers."),
    "phone_runtime.sources_missing": message(
        "The sources of '{package}' are not installed: phones need them."
    ),
    "phone_runtime.unpacked_damaged": message(
        "The runtime came out damaged on {phone}; it was removed there."
    ),
    "phone_runtime.unusable": message("{name} cannot be used ({reason})."),
    "worker.code_missing": message("{phone}: the worker's code is not on the phone yet."),
    "worker.ended_at_once": message("The worker on {phone} ended at once: {last_line}"),
    "worker.log_empty": message("its log is empty"),
    "worker.not_ready": message(
        "The worker on {phone} was not ready after {time_s:.0f} s: {last_line}"
    ),
    "worker.not_started": message("{phone}: the worker was not started ({reason})."),
    "worker.odd_ready_file": message("{phone}: the worker's ready file is odd ({reason})."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "phone.held": message(
        "Close it there, or take the phone with `--take`, in the window by its menu."
    ),
    "phone.without_python": message("{remedy}"),
    "phone_runtime.damaged": message("{remedy}"),
    "phone_runtime.unusable": message("{remedy}"),
}
