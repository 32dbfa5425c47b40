"""Points of the twisted Edwards curve of Ed25519 (RFC 8032, section 5.1), in extended coordinates.

Not in constant time: it serves secrets that are drawn for one pairing and forgotten.
"""

from __future__ import annotations

from typing import Final, NamedTuple

PRIME: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Order of the subgroup that the base point generates."""
POINT_BYTES: Final = 32

_D: Final = -121665 * pow(121666, -1, PRIME) % PRIME
_ROOT_OF_MINUS_ONE: Final = pow(2, (PRIME - 1) // 4, PRIME)


class Point(NamedTuple):
    """A point as X, Y, Z, T with x = X/Z, y = Y/Z and x * y = T/Z."""

    x: int
    y: int
    z: int
    t: int


NEUTRAL: Final = Point(0, 1, 1, 0)


def add(left: Point, right: Point) -> Point:
    """Return the sum of two points, equal ones included (RFC 8032, section 5.1.4)."""
    a = (left.y - left.x) * (right.y - right.x) % PRIME
    b = (left.y + left.x) * (right.y + right.x) % PRIME
    c = 2 * left.t * right.t * _D % PRIME
    d = 2 * left.z * right.z % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return Point(e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)


def multiply(scalar: int, point: Point) -> Point:
    """Return the point added to itself that many times."""
    result = NEUTRAL
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def negate(point: Point) -> Point:
    """Return the point's inverse."""
    return Point(-point.x % PRIME, point.y, point.z, -point.t % PRIME)


def encode(point: Point) -> bytes:
    """Return 32 bytes: y, little-endian, with the lowest bit of x on top."""
    inverse = pow(point.z, -1, PRIME)
    x, y = point.x * inverse % PRIME, point.y * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(POINT_BYTES, "little")


def decode(data: bytes) -> Point:
    """Read 32 bytes as BoringSSL does. Raises `ValueError` where they are no point."""
    if len(data) != POINT_BYTES:
        raise ValueError(len(data))
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number % 2**255 % PRIME
    x = _square_root((y * y - 1) * pow(_D * y * y + 1, -1, PRIME) % PRIME)
    if x & 1 != sign:
        x = -x % PRIME
    return Point(x, y, 1, x * y % PRIME)


def _square_root(square: int) -> int:
    root = pow(square, (PRIME + 3) // 8, PRIME)
    if root * root % PRIME != square:
        root = root * _ROOT_OF_MINUS_ONE % PRIME
    if root * root % PRIME != square:
        raise ValueError(square)
    return root


BASE: Final = decode((4 * pow(5, -1, PRIME) % PRIME).to_bytes(POINT_BYTES, "little"))
"""The base point of Ed25519."""
