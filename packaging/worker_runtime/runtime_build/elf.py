"""Which shared libraries a 64-bit little-endian ELF file asks for (System V gABI, chapter 5)."""

from __future__ import annotations

import struct

_SECTION_DYNAMIC = 6
_TAG_NEEDED = 1


def needed_libraries(content: bytes) -> tuple[str, ...]:
    """Return the names in the file's `DT_NEEDED` entries; none where it is no such ELF file."""
    if content[:6] != b"\x7fELF\x02\x01":
        return ()
    (table,) = struct.unpack_from("<Q", content, 0x28)
    size, count = struct.unpack_from("<HH", content, 0x3A)
    sections = [_Section(content, table + size * index) for index in range(count)]
    return tuple(
        name
        for section in sections
        if section.kind == _SECTION_DYNAMIC
        for name in _names(content, section, sections[section.link])
    )


class _Section:
    """The fields of one section header that are needed here."""

    def __init__(self, content: bytes, at: int) -> None:
        _, self.kind, _, _, self.offset, self.size, self.link = struct.unpack_from(
            "<IIQQQQI", content, at
        )


def _names(content: bytes, dynamic: _Section, strings: _Section) -> list[str]:
    names = []
    for at in range(dynamic.offset, dynamic.offset + dynamic.size, 16):
        tag, value = struct.unpack_from("<qQ", content, at)
        if tag == _TAG_NEEDED:
            start = strings.offset + value
            names.append(content[start : content.index(b"\0", start)].decode())
    return names
