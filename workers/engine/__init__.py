"""Layers run in onnxruntime: sessions, caches, spans, the choice of a token, the canary."""
