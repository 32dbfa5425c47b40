"""Carrying out experiments on an open rack, and reading from its events what came of them."""
