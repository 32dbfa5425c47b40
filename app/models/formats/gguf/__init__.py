"""GGUF, the one-file form of llama.cpp: metadata, tokenizer and quantised tensors together."""
