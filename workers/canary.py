"""The graph of the canary: one float32 MatMul `[rows, inner] x [inner, columns]`, nothing else.

Kept as text in a module so that it travels wherever the package does, also inside a zip file;
tests/unit/test_workers_measure.py rebuilds it with `onnx`, which phones do not have.
"""

import base64

CANARY_GRAPH = base64.b64decode(
    "CAo6lAEKHgoEbGVmdAoFcmlnaHQSB3Byb2R1Y3QiBk1hdE11bBIGY2FuYXJ5Wh8KBGxlZnQSFwoVCAESEQoGEgRy"
    "b3dzCgcSBWlubmVyWiMKBXJpZ2h0EhoKGAgBEhQKBxIFaW5uZXIKCRIHY29sdW1uc2IkCgdwcm9kdWN0EhkKFwgB"
    "EhMKBhIEcm93cwoJEgdjb2x1bW5zQgQKABAU"
)
