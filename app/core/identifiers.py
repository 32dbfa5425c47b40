"""Names of things, distinct to the type checker."""

import re
from typing import Final, NewType

Serial = NewType("Serial", str)
"""A phone's serial number (`ro.serialno`): one phone, however it is reached."""

BlobHash = NewType("BlobHash", str)
"""SHA-256 of a content-addressed file, 64 lower-case hexadecimal digits."""

RequestId = NewType("RequestId", str)
"""One prompt and its answer, as its owner sees it."""

TransactionId = NewType("TransactionId", str)
"""One attempt at a request under one assignment: what receipts and audits refer to."""

HOST = Serial("host")
"""The control centre's own end of a link."""

SHA256_FORM = re.compile(r"[0-9a-f]{64}")


def is_sha256(text: str) -> bool:
    """Tell whether this is a SHA-256 in lower-case hexadecimal."""
    return bool(SHA256_FORM.fullmatch(text))


LEDGER_VARIABLE: Final = "SHARDLOOM_LEDGER"
"""In the environment, where the ledger is: its address may hold a password, which a command line
shows to others."""
