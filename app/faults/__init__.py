"""Ways to break a phone on purpose: the catalogue and its specifications."""
