"""Shardloom: a control centre that runs one language model across a rack of phones."""
