"""Matrices that others have quantised: GPTQ, AWQ, bitsandbytes, compressed-tensors."""
