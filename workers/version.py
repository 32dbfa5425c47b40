"""The worker's version, told to the host in `hello`; the same as the project's."""

VERSION = "0.1.0"
