"""Help: what words mean, and the keys there are."""
