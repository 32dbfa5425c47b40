"""Where the time of steps went, on one clock."""
