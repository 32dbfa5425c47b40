"""The part of the package `cryptography` that a worker uses, over libsodium.

The package itself brings 14 MB of compiled code, for one signature a receipt. The modules below
have its names and behave as it does; libsodium's Ed25519 is that of RFC 8032 too, so that the
signatures are the same bytes.
"""
