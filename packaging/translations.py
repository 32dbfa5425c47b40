# ruff: noqa: INP001 - a script, not a package
"""Gather what the program says, bring the catalogues up to date and compile them.

`translations.py [--check]`, run by `make translations`; needs Babel. The template is what the code
says in English. A catalogue keeps its translations, gains what is new and loses what is said no
more; nothing is guessed from words that are alike. No file carries the time it was written at, so
that the same words make the same files.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = Path("assets/translations")
DOMAIN: Final = "shardloom"
TEMPLATE: Final = FOLDER / f"{DOMAIN}.pot"
LANGUAGES: Final = ("ja",)
KEYWORDS: Final[Mapping[str, tuple[int, ...] | None]] = {
    "tr": None,
    "message": None,
    "spoken_label": None,
    "spoken": (2,),
    "ntr": (1, 2),
    "plural": (1, 2),
}
"""What takes keys of the catalogues, and at which places of its arguments."""
HEADER: Final = "# What Shardloom says; `make translations` brings this file up to date."
NO_TIME: Final = datetime.fromtimestamp(0, UTC)
_LINE_LENGTH: Final = 100
_OF_THE_TIME: Final = (
    '"Project-Id-Version:',
    '"Report-Msgid-Bugs-To:',
    '"POT-Creation-Date:',
    '"PO-Revision-Date:',
    '"Last-Translator:',
    '"Language-Team:',
    '"Generated-By:',
)
"""Lines of a header that tell when, by whom and with what a file was written."""


def template(root: Path = ROOT) -> Catalog:
    """Return everything that the code says, in the order of its modules."""
    found = Catalog(domain=DOMAIN, charset="utf-8", fuzzy=False, header_comment=HEADER)
    messages = extract_from_dir(root / "app", keywords=KEYWORDS, strip_comment_tags=True)
    for name, _, key, comments, context in sorted(messages, key=lambda each: (each[0], each[1])):
        if key and key != ("",):
            found.add(key, locations=[(f"app/{name}", 0)], auto_comments=comments, context=context)
    return found


def catalogue(language: str, root: Path = ROOT) -> Catalog:
    """Return a language's catalogue as it lies there."""
    path = root / _path(language, "po")
    if not path.is_file():
        return Catalog(locale=language, domain=DOMAIN, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def updated(language: str, found: Catalog, root: Path = ROOT) -> Catalog:
    """Return a language's catalogue with exactly the keys that the code has."""
    words = catalogue(language, root)
    words.update(found, no_fuzzy_matching=True)
    words.obsolete.clear()
    words.header_comment = HEADER
    return words


def files(root: Path = ROOT) -> dict[Path, bytes]:
    """Return every generated file, by its path below the root."""
    found = template(root)
    made = {TEMPLATE: _text(found)}
    for language in LANGUAGES:
        words = updated(language, found, root)
        made[_path(language, "po")] = _text(words)
        words.creation_date = words.revision_date = NO_TIME
        compiled = BytesIO()
        write_mo(compiled, words)
        made[_path(language, "mo")] = compiled.getvalue()
    return made


def stale(root: Path = ROOT) -> list[str]:
    """Return which generated files are not what they would be if they were made now."""
    return [
        str(path)
        for path, content in files(root).items()
        if not (root / path).is_file() or (root / path).read_bytes() != content
    ]


def _path(language: str, ending: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.{ending}"


def _text(words: Catalog) -> bytes:
    text = BytesIO()
    write_po(text, words, width=_LINE_LENGTH, omit_header=False, include_lineno=False)
    lines = text.getvalue().decode().splitlines(keepends=True)
    kept = (line for line in lines if not line.startswith(_OF_THE_TIME))
    return "".join(kept).encode()


def main() -> int:
    """Write the files; with `--check` only tell which are stale, and return 1 where any is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, end with 1 if stale")
    if parser.parse_args().check:
        found = stale()
        for name in found:
            print(f"{name} is stale: make translations")  # noqa: T201 - a command-line tool
        return 1 if found else 0
    for path, content in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_bytes(content)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
