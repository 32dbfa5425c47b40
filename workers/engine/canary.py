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
    "CAo6zwsKLwoHd2hvbGUuMAoHd2hvbGUubgoHd2hvbGUuMRILd2hvbGUucmFuZ2UiBVJhbmdlCiYKC3dob2xlLnJhbmdl"
    "Cgd3aG9sZS5mEgl3aG9sZS5tdWwiA011bAokCgl3aG9sZS5tdWwKB3dob2xlLm0SCXdob2xlLm1vZCIDTW9kCigKCXdo"
    "b2xlLm1vZBIKd2hvbGUuY2FzdCIEQ2FzdCoJCgJ0bxgBoAECCiUKCndob2xlLmNhc3QKB3dob2xlLnMSBXdob2xlIgdS"
    "ZXNoYXBlChgKBXdob2xlCgJieRIGc2NhbGVzIgNEaXYKMwoIY29kZXM4LjAKCGNvZGVzOC5uCghjb2RlczguMRIMY29k"
    "ZXM4LnJhbmdlIgVSYW5nZQopCgxjb2RlczgucmFuZ2UKCGNvZGVzOC5mEgpjb2RlczgubXVsIgNNdWwKJwoKY29kZXM4"
    "Lm11bAoIY29kZXM4Lm0SCmNvZGVzOC5tb2QiA01vZAoqCgpjb2RlczgubW9kEgtjb2RlczguY2FzdCIEQ2FzdCoJCgJ0"
    "bxgCoAECCigKC2NvZGVzOC5jYXN0Cghjb2RlczgucxIGY29kZXM4IgdSZXNoYXBlCogBCgRsZWZ0CgZjb2RlczgKBnNj"
    "YWxlcxIIcHJvZHVjdDgiC01hdE11bE5CaXRzKgkKAUsYwAGgAQIqCAoBThggoAECKhUKDmFjY3VyYWN5X2xldmVsGASg"
    "AQIqCwoEYml0cxgIoAECKhEKCmJsb2NrX3NpemUYIKABAjoNY29tLm1pY3Jvc29mdAozCghjb2RlczQuMAoIY29kZXM0"
    "Lm4KCGNvZGVzNC4xEgxjb2RlczQucmFuZ2UiBVJhbmdlCikKDGNvZGVzNC5yYW5nZQoIY29kZXM0LmYSCmNvZGVzNC5t"
    "dWwiA011bAonCgpjb2RlczQubXVsCghjb2RlczQubRIKY29kZXM0Lm1vZCIDTW9kCioKCmNvZGVzNC5tb2QSC2NvZGVz"
    "NC5jYXN0IgRDYXN0KgkKAnRvGAKgAQIKKAoLY29kZXM0LmNhc3QKCGNvZGVzNC5zEgZjb2RlczQiB1Jlc2hhcGUKiAEK"
    "BGxlZnQKBmNvZGVzNAoGc2NhbGVzEghwcm9kdWN0NCILTWF0TXVsTkJpdHMqCQoBSxjAAaABAioICgFOGCCgAQIqFQoO"
    "YWNjdXJhY3lfbGV2ZWwYBKABAioLCgRiaXRzGASgAQIqEQoKYmxvY2tfc2l6ZRggoAECOg1jb20ubWljcm9zb2Z0Eghy"
    "b3VuZGluZyoREAZCB3dob2xlLjBKBAAAAAAqERAGQgd3aG9sZS5uSgTAAAAAKhEQBkIHd2hvbGUuMUoEAQAAACoREAZC"
    "B3dob2xlLmZKBAcAAAAqERAGQgd3aG9sZS5tSgQNAAAAKh8IAhAHQgd3aG9sZS5zShAgAAAAAAAAAAYAAAAAAAAAKgwQ"
    "AUICYnlKBAAAgEQqEhAGQghjb2RlczguMEoEAAAAACoSEAZCCGNvZGVzOC5uSgQAGAAAKhIQBkIIY29kZXM4LjFKBAEA"
    "AAAqEhAGQghjb2RlczguZkoE7x4AACoSEAZCCGNvZGVzOC5tSgT7AAAAKigIAxAHQghjb2Rlczguc0oYIAAAAAAAAAAG"
    "AAAAAAAAACAAAAAAAAAAKhIQBkIIY29kZXM0LjBKBAAAAAAqEhAGQghjb2RlczQubkoEAAwAACoSEAZCCGNvZGVzNC4x"
    "SgQBAAAAKhIQBkIIY29kZXM0LmZKBBmZAQAqEhAGQghjb2RlczQubUoEAAEAACooCAMQB0IIY29kZXM0LnNKGCAAAAAA"
    "AAAABgAAAAAAAAAQAAAAAAAAAFobCgRsZWZ0EhMKEQgBEg0KBhIEcm93cwoDCMABYh4KCHByb2R1Y3Q4EhIKEAgBEgwK"
    "BhIEcm93cwoCCCBiHgoIcHJvZHVjdDQSEgoQCAESDAoGEgRyb3dzCgIIIEIECgAQFEIRCg1jb20ubWljcm9zb2Z0EAE="
)
"""`left` `[rows, 192]` multiplied with 32 rows of 8 and of 4 bits as in quantised models: how a
processor rounds activations for that shows in the results. The codes are computed from constants,
which onnxruntime does when it loads the graph."""
