"""From a checkpoint to a stored model, one block at a time, resumable."""
