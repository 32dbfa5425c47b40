"""The one error of the build: a line for the person who runs it."""


class BuildError(Exception):
    """The runtime cannot be built here; the message says why and what helps."""
