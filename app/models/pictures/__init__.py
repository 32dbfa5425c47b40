"""Pictures from outside: read within bounds, cut into squares, put among the tokens of a text."""
