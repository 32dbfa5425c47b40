"""As in the package `cryptography`."""
