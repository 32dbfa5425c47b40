"""The guide leads somewhere: every page in both languages, every picture and link there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[3] / "docs" / "guide"
PAGES = sorted(GUIDE.glob("*.md"))
_LINK = re.compile(r"\]\(([^)#:]+)\)")
LARGEST_PICTURE_BYTES = 400_000


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = _LINK.findall(page.read_text("utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).is_file()] == []


@pytest.mark.parametrize("name", ["operator", "presenter", "tester"])
def test_every_page_has_its_twin_with_as_many_steps_and_pictures(name: str) -> None:
    english, japanese = (
        (GUIDE / f"{name}{ending}.md").read_text("utf-8") for ending in ("", ".ja")
    )
    for mark in (r"^\d+\. ", r"^!\["):
        counts = [len(re.findall(mark, text, re.MULTILINE)) for text in (english, japanese)]
        assert counts[0] == counts[1] > 0


def test_pictures_are_small() -> None:
    sizes = {each.name: each.stat().st_size for each in (GUIDE / "pictures").glob("*.png")}
    assert sizes
    assert all(size < LARGEST_PICTURE_BYTES for size in sizes.values())
