# ruff: noqa: INP001 - a script, not a package
"""Print figures of the code beside their limits: `metrics.py [--check]`.

Sentences are found by a rule of thumb: a text with a blank that ends in a full stop, or that an
exception is raised with; docstrings, log lines, argparse's words and keys of the catalogues are
none. In the window every text is one that is put together from a word and a field.
"""

from __future__ import annotations

import argparse
import ast
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grimp

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("app", "workers")
REGISTRIES: Final = {"families", "commands", "faults", "sentences"}
"""Folders of like things, which may hold any number."""
NURSERIES: Final = (Path("app/core/nursery.py"), Path("workers/nursery.py"))
WORDS: Final = Path("app/words")
WINDOW: Final = Path("app/ui")
Finder = Callable[["Source"], Iterator[ast.AST]]
_STARTS: Final = {"create_task", "ensure_future"}
_LOGGING: Final = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_ARGPARSE: Final = {"help", "description", "epilog", "metavar"}
_LOOKED_UP: Final = {"tr", "ntr", "message", "spoken", "spoken_label"}
"""What takes keys of the catalogues."""
_WORD: Final = re.compile(r"[A-Za-z]{3,}")
_FULL_STOP: Final = re.compile(r"\S\.\s*$")
"""Behind a word; one that stands alone is the folder of a shell command."""
_MARKUP: Final = re.compile(r"<[^>]*>?|[^<]*>")


@dataclass(frozen=True)
class Figure:
    """What was counted, the least and the most that it may be, and where it is largest."""

    name: str
    value: float
    most: float
    least: float = 0.0
    where: str = ""

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return self.least <= self.value <= self.most

    def __str__(self) -> str:
        """Return one line of the table."""
        limit = f"{self.least:g}-{self.most:g}" if self.least else f"<= {self.most:g}"
        mark = "" if self.holds else "beyond"
        return f"{self.name:<42}{self.value:>8g}  {limit:>8}  {mark:<6}  {self.where}".rstrip()


@dataclass(frozen=True)
class Source:
    """A module: where it lies below the root, its length, and what it says."""

    path: Path
    lines: int
    tree: ast.Module
    nodes: tuple[ast.AST, ...]
    """All of the tree, from outside to inside: to walk it takes longer than to parse it."""


def sources(root: Path) -> tuple[Source, ...]:
    """Read all modules of the program; what only names a package is none."""
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    texts = [(path, path.read_text("utf-8")) for path in paths if path.name != "__init__.py"]
    return tuple(_source(path.relative_to(root), text) for path, text in texts)


def _source(path: Path, text: str) -> Source:
    tree = ast.parse(text)
    return Source(path, text.count("\n"), tree, tuple(ast.walk(tree)))


def measure(root: Path) -> Iterator[Figure]:
    """Yield every figure but the circles, which need the packages themselves."""
    modules = sources(root)
    yield from _folders(modules)
    yield from _files(modules)
    yield from _functions(modules)
    yield _most_in("tasks started outside the nursery", modules, _task_starts, *NURSERIES)
    yield _most_in("sentences composed outside app/words", modules, _sentences, WORDS)
    window = [module for module in modules if module.path.is_relative_to(WINDOW)]
    yield _most_in("texts composed in the window", window, _compositions, WORDS)
    yield _shared_names(modules)
    flat = sum(1 for _ in (root / "tests" / "unit").glob("test_*.py"))
    yield Figure("files of tests/unit outside a room", flat, 0)


def circles() -> Figure:
    """Count the groups of modules that import each other, however far around."""
    graph = grimp.build_graph(*PACKAGES)
    found = set()
    for module in graph.modules:
        around = graph.find_upstream_modules(module) & graph.find_downstream_modules(module)
        if around:
            found.add(frozenset({module, *around}))
    where = ", ".join(min(map(sorted, found))) if found else ""
    return Figure("import circles", len(found), 0, where=where)


def _folders(modules: Sequence[Source]) -> Iterator[Figure]:
    counts = Counter(module.path.parent for module in modules)
    counted = {folder: n for folder, n in counts.items() if folder.name not in REGISTRIES}
    fullest = max(counted, key=lambda folder: counted[folder])
    yield Figure("modules of the fullest folder", counted[fullest], 15, where=str(fullest))
    crowded = sorted(str(folder) for folder, n in counted.items() if n > 15)
    yield Figure("folders of more than 15 modules", len(crowded), 0, where=", ".join(crowded))


def _files(modules: Sequence[Source]) -> Iterator[Figure]:
    lengths = sorted(module.lines for module in modules)
    longest = max(modules, key=lambda module: module.lines)
    yield Figure("lines of a file, median", _part(lengths, 0.5), 150, 60)
    yield Figure("lines of a file, nine of ten below", _part(lengths, 0.9), 200)
    yield Figure("lines of a file, most", longest.lines, 400, where=str(longest.path))


def _functions(modules: Sequence[Source]) -> Iterator[Figure]:
    lengths = [
        (_lines(node), f"{module.path}:{node.lineno} {node.name}")
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    most, where = max(lengths)
    yield Figure(
        "lines of a function, nine of ten below", _part(sorted(n for n, _ in lengths), 0.9), 20
    )
    yield Figure("lines of a function, most", most, 60, where=where)


def _most_in(name: str, modules: Sequence[Source], found: Finder, *at_home: Path) -> Figure:
    """Count what a finder finds, except in the places where it belongs; name the worst rooms."""
    counts: Counter[str] = Counter()
    for module in modules:
        if not any(map(module.path.is_relative_to, at_home)):
            counts["/".join(module.path.parts[:2])] += sum(1 for _ in found(module))
    where = ", ".join(f"{room} {n}" for room, n in counts.most_common(6) if n)
    return Figure(name, counts.total(), 0, where=where)


def _shared_names(modules: Sequence[Source]) -> Figure:
    """Count the class names that more than one class has: whoever greps for one finds another."""
    counts = Counter(
        node.name for module in modules for node in module.nodes if isinstance(node, ast.ClassDef)
    )
    shared = sorted(name for name, n in counts.items() if n > 1)
    return Figure("class names that stand for two things", len(shared), 0, where=", ".join(shared))


def _task_starts(source: Source) -> Iterator[ast.AST]:
    for node in source.nodes:
        if isinstance(node, ast.Call) and _called(node) in _STARTS and not _is_of_group(node):
            yield node


def _is_of_group(call: ast.Call) -> bool:
    """Tell whether a task is started in an `asyncio.TaskGroup`, which owns it."""
    target = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(target, ast.Name) and target.id in {"group", "tasks"}


def _sentences(source: Source) -> Iterator[ast.AST]:
    left_out = set(_unspoken(source))
    for node in _texts(source.tree, left_out):
        if " " in _text_of(node) and _FULL_STOP.search(_text_of(node)):
            yield node
            left_out.add(node)
    raised = (node.exc for node in source.nodes if isinstance(node, ast.Raise))
    arguments = (each for call in raised if isinstance(call, ast.Call) for each in call.args)
    yield from (each for each in arguments if each not in left_out and " " in _text_of(each))


def _compositions(source: Source) -> Iterator[ast.AST]:
    """Yield where words and fields are put together, markup and log lines aside."""
    left_out = set(_unspoken(source))
    for node in source.nodes:
        if isinstance(node, ast.Call) and node not in left_out and _fills_in(node):
            yield node
    for text in _texts(source.tree, left_out):
        parts = text.values if isinstance(text, ast.JoinedStr) else []
        words = any(_WORD.search(_MARKUP.sub("", _text_of(part))) for part in parts)
        if words and " " in _text_of(text):
            yield text


def _fills_in(call: ast.Call) -> bool:
    """Tell whether a call is `text.format(...)`; a handler of the log has a method of that name."""
    target = call.func.value if isinstance(call.func, ast.Attribute) else None
    itself = isinstance(target, ast.Name) and target.id == "self"
    return _called(call) == "format" and target is not None and not itself


def _texts(tree: ast.AST, left_out: set[ast.AST]) -> Iterator[ast.expr]:
    """Yield whole texts, from outside to inside; a part of an f-string is none of its own."""
    if tree in left_out:
        return
    if isinstance(tree, ast.Constant | ast.JoinedStr):
        yield tree
        return
    for child in ast.iter_child_nodes(tree):
        yield from _texts(child, left_out)


def _unspoken(source: Source) -> Iterator[ast.AST]:
    """Yield docstrings and comments on names, log lines, and the words of argparse."""
    for node in source.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        if isinstance(node, ast.Call) and _called(node) in _LOGGING:
            yield from node.args
        if isinstance(node, ast.Call) and _called(node) in _LOOKED_UP:
            yield from node.args
        if isinstance(node, ast.keyword) and node.arg in _ARGPARSE:
            yield node.value


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _text_of(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(part) or "…" for part in node.values)
    return ""


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _part(ordered: Sequence[int], share: float) -> int:
    """Return the smallest value that so large a share does not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def main() -> int:
    """Print the table; with `--check`, return 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="end with status 1 beyond a limit")
    arguments = parser.parse_args()
    figures = (*measure(ROOT), circles())
    for figure in figures:
        print(figure)  # noqa: T201 - a command-line tool
    return 1 if arguments.check and not all(figure.holds for figure in figures) else 0


if __name__ == "__main__":
    raise SystemExit(main())
