"""The graphs of the canary, whose results tell what a processor computes with and how fast.

Kept as text in a module so that they travel wherever the package does, also inside a zip file;
tests/unit/workers/test_measure.py rebuilds them with `onnx`, which phones do not have.
"""

import base64

CANARY_GRAPH = base64.b64decode(
    "CAo6lAEKHgoEbGVmdAoFcmlnaHQSB3Byb2R1Y3QiBk1hdE11bBIGY2FuYXJ5Wh8KBGxlZnQSFwoVCAESEQoGEgRy"
    "b3dzCgcSBWlubmVyWiMKBXJpZ2h0EhoKGAgBEhQKBxIFaW5uZXIKCRIHY29sdW1uc2IkCgdwcm9kdWN0EhkKFwgB"
    "EhMKBhIEcm93cwoJEgdjb2x1bW5zQgQKABAU"
)
"""One float32 MatMul `[rows, inner] x [inner, columns]`, nothing else."""

ROUNDING_INPUTS = 192
ROUNDING_GRAPH = base64.b64decode(
    "CAo6zwsKLwoHd2hvbGUuMAoHd2hvbGUubgoHd2hvbGUuMRILd2hvbGUucmFuZ2UiBVJhbmdlCiYKC3dob2xlLnJhbmdlCgd3"
    "aG9sZS5mEgl3aG9sZS5tdWwiA011bAokCgl3aG9sZS5tdWwKB3dob2xlLm0SCXdob2xlLm1vZCIDTW9kCigKCXdob2xlLm1v"
    "ZBIKd2hvbGUuY2FzdCIEQ2FzdCoJCgJ0bxgBoAECCiUKCndob2xlLmNhc3QKB3dob2xlLnMSBXdob2xlIgdSZXNoYXBlChgK"
    "BXdob2xlCgJieRIGc2NhbGVzIgNEaXYKMwoIY29kZXM4LjAKCGNvZGVzOC5uCghjb2RlczguMRIMY29kZXM4LnJhbmdlIgVS"
    "YW5nZQopCgxjb2RlczgucmFuZ2UKCGNvZGVzOC5mEgpjb2RlczgubXVsIgNNdWwKJwoKY29kZXM4Lm11bAoIY29kZXM4Lm0S"
    "CmNvZGVzOC5tb2QiA01vZAoqCgpjb2RlczgubW9kEgtjb2RlczguY2FzdCIEQ2FzdCoJCgJ0bxgCoAECCigKC2NvZGVzOC5j"
    "YXN0Cghjb2RlczgucxIGY29kZXM4IgdSZXNoYXBlCogBCgRsZWZ0CgZjb2RlczgKBnNjYWxlcxIIcHJvZHVjdDgiC01hdE11"
    "bE5CaXRzKgkKAUsYwAGgAQIqCAoBThggoAECKhUKDmFjY3VyYWN5X2xldmVsGASgAQIqCwoEYml0cxgIoAECKhEKCmJsb2Nr"
    "X3NpemUYIKABAjoNY29tLm1pY3Jvc29mdAozCghjb2RlczQuMAoIY29kZXM0Lm4KCGNvZGVzNC4xEgxjb2RlczQucmFuZ2Ui"
    "BVJhbmdlCikKDGNvZGVzNC5yYW5nZQoIY29kZXM0LmYSCmNvZGVzNC5tdWwiA011bAonCgpjb2RlczQubXVsCghjb2RlczQu"
    "bRIKY29kZXM0Lm1vZCIDTW9kCioKCmNvZGVzNC5tb2QSC2NvZGVzNC5jYXN0IgRDYXN0KgkKAnRvGAKgAQIKKAoLY29kZXM0"
    "LmNhc3QKCGNvZGVzNC5zEgZjb2RlczQiB1Jlc2hhcGUKiAEKBGxlZnQKBmNvZGVzNAoGc2NhbGVzEghwcm9kdWN0NCILTWF0"
    "TXVsTkJpdHMqCQoBSxjAAaABAioICgFOGCCgAQIqFQoOYWNjdXJhY3lfbGV2ZWwYBKABAioLCgRiaXRzGASgAQIqEQoKYmxv"
    "Y2tfc2l6ZRggoAECOg1jb20ubWljcm9zb2Z0Eghyb3VuZGluZyoREAZCB3dob2xlLjBKBAAAAAAqERAGQgd3aG9sZS5uSgTA"
    "AAAAKhEQBkIHd2hvbGUuMUoEAQAAACoREAZCB3dob2xlLmZKBAcAAAAqERAGQgd3aG9sZS5tSgQNAAAAKh8IAhAHQgd3aG9s"
    "ZS5zShAgAAAAAAAAAAYAAAAAAAAAKgwQAUICYnlKBAAAekQqEhAGQghjb2RlczguMEoEAAAAACoSEAZCCGNvZGVzOC5uSgQA"
    "GAAAKhIQBkIIY29kZXM4LjFKBAEAAAAqEhAGQghjb2RlczguZkoE7x4AACoSEAZCCGNvZGVzOC5tSgT7AAAAKigIAxAHQghj"
    "b2Rlczguc0oYIAAAAAAAAAAGAAAAAAAAACAAAAAAAAAAKhIQBkIIY29kZXM0LjBKBAAAAAAqEhAGQghjb2RlczQubkoEAAwA"
    "ACoSEAZCCGNvZGVzNC4xSgQBAAAAKhIQBkIIY29kZXM0LmZKBBmZAQAqEhAGQghjb2RlczQubUoEAAEAACooCAMQB0IIY29k"
    "ZXM0LnNKGCAAAAAAAAAABgAAAAAAAAAQAAAAAAAAAFobCgRsZWZ0EhMKEQgBEg0KBhIEcm93cwoDCMABYh4KCHByb2R1Y3Q4"
    "EhIKEAgBEgwKBhIEcm93cwoCCCBiHgoIcHJvZHVjdDQSEgoQCAESDAoGEgRyb3dzCgIIIEIECgAQFEIRCg1jb20ubWljcm9z"
    "b2Z0EAE="
)
"""`left` `[rows, 192]` multiplied with 32 rows of 8 and of 4 bits as in quantised models: how a
processor rounds activations for that shows in the results. The codes are computed from constants,
which onnxruntime does when it loads the graph. No scale but 0 is exact in bfloat16, so that it
shows where scales are cut to that."""
