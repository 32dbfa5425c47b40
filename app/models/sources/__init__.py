"""Where models come from: a place on this disk, or a name at a model hub."""
