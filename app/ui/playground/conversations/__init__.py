"""Texts and conversations as things: a strip, a list, files, what is done with them."""
