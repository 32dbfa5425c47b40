"""The error of `cryptography` that a worker knows."""


class InvalidSignature(Exception):  # noqa: N818 - the name is the package's
    """The signature does not fit the message and the key."""
