"""What a request asked for and what became of it, as files that signatures and the journal name."""
