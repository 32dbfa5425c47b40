"""Evidence that convinces strangers: one wrong operator, with all that it takes to see that."""
