"""Which module imports which, read from the source: in functions and for type checkers too."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

Arrows = dict[str, set[str]]  # module -> the modules that it imports, all of them in the project


def modules(root: Path, tops: Iterable[str]) -> dict[str, Path]:
    """The source files of these packages and modules under `root`, by their full names."""
    found = {}
    for top in tops:
        for path in sorted((root / top).rglob("*.py")) or [root / f"{top}.py"]:
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows(files: dict[str, Path]) -> Arrows:
    """For each module those that one of its import statements names."""
    return {name: set(_imported(name, path, files.keys())) - {name} for name, path in files.items()}


def _imported(name: str, path: Path, known: Iterable[str]) -> Iterator[str]:
    """`from package import module` names the module, and the package only for what else it has."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                full = f"{source}.{alias.name}"
                yield from (
                    found for found in [full if full in known else source] if found in known
                )


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
