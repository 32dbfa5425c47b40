"""The figures that `make metrics` prints, over a small program made for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from metrics import ROOT, Figure, _sentences, measure, sources

MODULE = '''"""A module. It says nothing."""

def fail(name):
    """Return nothing. Ever."""
    _log.info("This is for developers.")
    parser.add_argument("--x", help="A word to whoever types.")
    asyncio.create_task(work())
    show(f"{name} was lost.")
    raise LedgerError(f"no penalty for {name}")
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for place in ("app/rack/one.py", "app/core/nursery.py", "app/words/two.py", "workers/three.py"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MODULE)
    (tmp_path / "app/rack/__init__.py").write_text('"""Counted nowhere."""\n')
    return tmp_path


def figures(root: Path) -> dict[str, Figure]:
    return {figure.name: figure for figure in measure(root)}


@pytest.fixture(scope="module")
def of_program() -> dict[str, Figure]:
    """Return the figures of this program, which take seconds."""
    return figures(ROOT)


def test_sentences_and_tasks_count_where_they_do_not_belong(root: Path) -> None:
    found = figures(root)
    assert found["sentences composed outside app/words"].value == 6
    assert found["tasks started outside the nursery"].value == 3
    assert not found["sentences composed outside app/words"].holds


def test_keys_of_the_catalogues_are_no_sentences(root: Path) -> None:
    module = root / "app/ui/labels.py"
    module.parent.mkdir(parents=True)
    module.write_text('message("It is there.")\nspoken(box.setText, "It is there.")\n')
    found = figures(root)
    assert found["sentences composed outside app/words"].value == 6
    assert found["texts composed in the window"].value == 0


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ('tr("{count} phones").format(count=3)', 1),
        ('show(f"{count} phones")', 1),
        ('show(f"{name}  ·  {state}")', 0),
        ("show(f\"<span style='color: {colour}'>{words}</span>\")", 0),
        ('add(f"layout-{layout}", words)', 0),
        ('_log.info(f"{count} phones")', 0),
        ("line.emit(self.format(record))", 0),
    ],
)
def test_the_window_puts_no_words_and_fields_together(root: Path, line: str, count: int) -> None:
    module = root / "app/ui/panel.py"
    module.parent.mkdir(parents=True)
    module.write_text(f"{line}\n")
    assert figures(root)["texts composed in the window"].value == count


def test_this_window_composes_nothing(of_program: dict[str, Figure]) -> None:
    assert of_program["texts composed in the window"].value == 0
    window = [each for each in sources(ROOT) if each.path.is_relative_to("app/ui")]
    assert [each.path for each in window if any(_sentences(each))] == []


def test_a_folder_may_hold_fifteen_modules_and_a_registry_any_number(root: Path) -> None:
    registry = root / "app/models/families"
    registry.mkdir(parents=True)
    for number in range(16):
        (registry / f"family_{number}.py").write_text(MODULE)
        (root / f"app/rack/more_{number}.py").write_text(MODULE)
    fullest = figures(root)["modules of the fullest folder"]
    assert (fullest.value, fullest.where, fullest.holds) == (17, "app/rack", False)
    assert figures(root)["folders of more than 15 modules"].where == "app/rack"


def test_a_figure_beyond_its_limit_says_so() -> None:
    assert "beyond" in str(Figure("lines", 401, 400))
    assert "beyond" not in str(Figure("lines", 400, 400))
    assert not Figure("lines", 59, 150, 60).holds


def test_tasks_of_this_program_begin_in_nurseries_alone(of_program: dict[str, Figure]) -> None:
    tasks = of_program["tasks started outside the nursery"]
    assert tasks.holds, str(tasks)


def test_a_class_name_stands_for_one_thing(root: Path) -> None:
    for place in ("app/rack/found.py", "workers/found.py"):
        (root / place).write_text("class Heartbeat:\n    class Gap: ...\n")
    shared = figures(root)["class names that stand for two things"]
    assert (shared.value, shared.where, shared.holds) == (2, "Gap, Heartbeat", False)


def test_a_class_name_of_this_program_stands_for_one_thing(
    of_program: dict[str, Figure],
) -> None:
    shared = of_program["class names that stand for two things"]
    assert shared.holds, str(shared)


@pytest.mark.parametrize(
    ("line", "count"), [('return f"{enter}df -k ."', 0), ('return f"{phone} is gone."', 1)]
)
def test_the_folder_of_a_shell_command_is_no_full_stop(root: Path, line: str, count: int) -> None:
    (root / "app/rack/scripts.py").write_text(f"def script():\n    {line}\n")
    assert figures(root)["sentences composed outside app/words"].value == 6 + count


def test_this_program_composes_no_sentence_outside_words(of_program: dict[str, Figure]) -> None:
    sentences = of_program["sentences composed outside app/words"]
    assert sentences.holds, str(sentences)
