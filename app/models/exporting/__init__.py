"""From a checkpoint of any architecture to an ONNX graph, in a process of its own."""
