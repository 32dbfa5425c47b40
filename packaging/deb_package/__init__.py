"""Building and trying the Debian package, each in a system of its own."""
