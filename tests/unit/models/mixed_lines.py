"""Lines in which scripts, digits, marks and spaces are mixed, the same ones each time."""

from __future__ import annotations

import random

WORDS = (
    *("the", "The", "don't", "WE'LL", "I'm", "naïve", "façade", "x", "HelloWorld", "snake_case"),
    *("привет", "Мир", "Ελλάδα", "λόγος", "שלום", "مرحبا", "كتاب", "हिन्दी", "नमस्ते", "ไทย", "สวัสดี"),
    *(
        "日本語",
        "漢字かな",
        "カタカナ",
        "中文",
        "你好",
        "한국어",
        "안녕",
        "አማርኛ",
        "ქართული",
        "Հայերեն",
    ),
    *("0", "7", "42", "1234567", "3.14", "٣٤", "½", "Ⅷ", "1,000,000", "0x1F", "2024-05-01"),
    *("!", "?!", "...", "…", "—", "«»", "()", "{}[]", "<|x|>", "</s>", "<s>", "a/b", "@#$%", "\\n"),
    *("😀", "👩‍👩‍👧", "🇯🇵", "e\u0301", "é", "ﬁ", "Å", "\u200b", "\u00a0", "ß", "ǅ", "\U0001d4b3"),
    *("▁", "Ġ"),
)
SPACES = ("", " ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", " \n ", "\n\n", "\u3000")


def mixed_lines(count: int, seed: int = 11) -> list[str]:
    chosen = random.Random(seed)  # noqa: S311 - the same lines each time
    return [_line(chosen) for _ in range(count)]


def _line(chosen: random.Random) -> str:
    parts = []
    for _ in range(chosen.randint(1, 6)):
        parts.append(chosen.choice(SPACES))
        parts.append(_word(chosen))
    parts.append(chosen.choice(SPACES))
    return "".join(parts)


def _word(chosen: random.Random) -> str:
    if chosen.random() < 0.15:
        return "".join(chr(_letter(chosen)) for _ in range(chosen.randint(1, 6)))
    return chosen.choice(WORDS)


def _letter(chosen: random.Random) -> int:
    """Return any code point but a half of a surrogate pair or a zero."""
    while True:
        code = chosen.choice((chosen.randint(1, 0x2FFF), chosen.randint(0x3000, 0x1FFFF)))
        if not 0xD800 <= code <= 0xDFFF:
            return code
