"""Model families: how each names its tensors and what its blocks compute."""
