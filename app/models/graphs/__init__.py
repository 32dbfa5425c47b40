"""A shard's ONNX graph as it is written, and what layers are made of."""
