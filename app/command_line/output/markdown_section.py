"""Keeping one section of a Markdown file fresh and every other as it is."""

from __future__ import annotations


def replace_section(text: str, heading: str, body: str) -> str:
    """Return the text with the body of `## heading` replaced, or the section added at its end."""
    lines, title = text.rstrip("\n").split("\n"), f"## {heading}"
    section = [title, "", *body.split("\n"), ""]
    if title not in lines:
        return "\n".join([*lines, "", *section])
    start = lines.index(title)
    following = (
        number
        for number, line in enumerate(lines[start + 1 :], start + 1)
        if line.startswith("## ")
    )
    end = next(following, len(lines))
    return "\n".join([*lines[:start], *section, *lines[end:]]).rstrip("\n") + "\n"
