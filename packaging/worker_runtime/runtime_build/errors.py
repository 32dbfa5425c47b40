"""The errors of the build: each a line for the person who runs it."""


class BuildError(Exception):
    """The runtime cannot be built; the message says why and what helps."""

    exit_status = 1


class UnavailableError(BuildError):
    """The machine lacks a program, or the archives it downloads from do not answer."""

    exit_status = 69  # EX_UNAVAILABLE of sysexits.h
