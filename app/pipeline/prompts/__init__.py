"""How prompts are read: from rows that are there still, and several chunks at a time."""
