"""Block-wise quantisation, and whether it has harmed a model."""
