"""Where weights come from that operators are recomputed with: files, or proven parts of them."""
