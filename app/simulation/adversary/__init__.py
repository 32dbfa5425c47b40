"""A hostile phone in a ring of honest ones: what it does, how it is caught, what that costs it."""
