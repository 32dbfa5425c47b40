"""Forms in which models come: Hugging Face folders, ONNX files, tokenizers."""
