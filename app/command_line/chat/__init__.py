"""A conversation in the terminal: what is said, its settings, its /commands, its lines."""
