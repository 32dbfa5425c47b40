"""Sharp tests of a rack's phones: having a stage run again, looking at it, what came of it."""
