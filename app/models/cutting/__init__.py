"""Cuts any decoder's ONNX graph at its layers, where no family builds the graph directly."""
