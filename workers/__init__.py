"""What runs on a phone: shard engine, transport, receipts. Imports nothing of `app`.

Importing it, or `app`, keeps libraries from reporting to their makers: a package is imported
before its modules, and so before any of them loads a library.
"""

from __future__ import annotations

import os
from typing import Final

TELEMETRY_OFF: Final = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime: a device id, a queue of events and their upload
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, hf_xet and transformers
    "DO_NOT_TRACK": "1",  # what else asks for the convention (donottrack.sh)
}
"""Set for this process and all that it starts, whatever the variables said before."""

os.environ.update(TELEMETRY_OFF)
