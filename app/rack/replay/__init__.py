"""A rack's recorded stream in a file, and the rack that plays one: no phones, the same picture."""
