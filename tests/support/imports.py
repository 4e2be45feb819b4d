"""Which module imports which, read from the source: in functions and for type checkers too."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

Arrows = dict[str, set[str]]  # module -> the modules that it imports, all of them in the project


def modules(root: Path, tops: Iterable[str]) -> dict[str, Path]:
    """The source files of these packages, modules and scripts under `root`, by their full names.

    A script is named with its ending: beside infer.py there is a package infer.
    """
    found = {}
    for top in tops:
        if top.endswith(".py"):
            found[top] = root / top
            continue
        for path in sorted((root / top).rglob("*.py")) or [root / f"{top}.py"]:
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows(files: dict[str, Path]) -> Arrows:
    """For each module those that one of its import statements names.

    The modules of a folder without __init__.py (layers/) are imported by their plain names.
    """
    known = {name: name for name in files}
    for name, path in files.items():
        if "." in name and not (path.parent / "__init__.py").exists():
            known[name.partition(".")[2]] = name
    return {name: set(_imported(name, path, known)) - {name} for name, path in files.items()}


def _imported(name: str, path: Path, known: dict[str, str]) -> Iterator[str]:
    """`from package import module` names the module, and the package only for what else it has."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (known[alias.name] for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                full = f"{source}.{alias.name}"
                found = full if full in known else source
                if found in known:
                    yield known[found]


def circles(arrows: Arrows) -> list[list[str]]:
    """The groups of modules that each reach one another, the smallest names first."""
    reach = {name: reached(arrows, name) for name in arrows}
    groups = {
        tuple(sorted(other for other in reach[name] if name in reach[other]))
        for name in arrows
        if name in reach[name]
    }
    return [list(group) for group in sorted(groups)]


def reached(arrows: Arrows, start: str) -> set[str]:
    """All that a name imports, by way of others too."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = arrows[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found
