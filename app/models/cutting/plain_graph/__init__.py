"""A decoder's ONNX graph brought into one plain form, and read."""
