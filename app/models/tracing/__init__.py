"""A stored model's computation graph: traced, with the shapes of its values, and told."""
