from __future__ import annotations

from app.command_line.output.markdown_section import replace_section

PAGE = "# Benchmarks\n\n## Decode\n\nold\n\n## Other\n\nkept\n"


def test_the_section_is_replaced_and_others_stay() -> None:
    changed = replace_section(PAGE, "Decode", "new\nfigures")
    assert changed == "# Benchmarks\n\n## Decode\n\nnew\nfigures\n\n## Other\n\nkept\n"


def test_a_missing_section_is_added_at_the_end() -> None:
    assert replace_section("# Benchmarks\n", "Decode", "new") == (
        "# Benchmarks\n\n## Decode\n\nnew\n"
    )


def test_replacing_twice_changes_nothing_more() -> None:
    once = replace_section(PAGE, "Other", "new")
    assert replace_section(once, "Other", "new") == once
