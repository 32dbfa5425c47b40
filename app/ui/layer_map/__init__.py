"""The layer map: who holds which layers, and how an operator moves them."""
