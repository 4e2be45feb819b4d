"""The house has floors: a module imports from its own floor and from those below, in no circle."""

from pathlib import Path

import pytest
from support.imports import arrows, circles, modules

ROOT = Path(__file__).parents[1]

# From the ground up. A name stands for all modules of that package that no other name is nearer to.
FLOORS = (
    ("caffe.core",),
    ("caffe.proto",),
    ("caffe.formats",),
    ("caffe.feeding",),
    ("caffe.io", "caffe.net_spec", "caffe.draw"),
    ("caffe.layer_types", "caffe.coord_map"),
    ("caffe.graph",),
    ("caffe.storage",),
    ("caffe.engine", "caffe.export.torch_module"),
    ("caffe.net",),
    ("caffe.classifier", "caffe.export"),
    ("caffe.detector", "caffe.distributed"),
    ("caffe.solver",),
    ("caffe.parallel", "caffe.tools"),
    ("caffe",),
    ("command_line", "layers"),
    ("data",),
    ("nets",),
    ("surgery",),
    ("infer",),
    ("page",),
    ("infer.py", "solvers"),
    ("bench", "figures"),
    ("tables",),
    ("studies",),
)
LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names}


def top_of(name: str) -> str:
    """The package, module or script at the top that a name lies in."""
    return name if name.endswith(".py") else name.partition(".")[0]


TOPS = sorted(set(map(top_of, LEVEL)))
FILES = modules(ROOT, TOPS)
ARROWS = arrows(FILES)


def room(module: str) -> str:
    """The nearest name that stands for the module."""
    while module not in LEVEL:
        module = module.rpartition(".")[0]
    return module


def floor(module: str) -> int:
    return LEVEL[room(module)]


@pytest.mark.parametrize("top", TOPS)
def test_no_import_goes_up_a_floor(top):
    up = [
        f"{module} imports {other}"
        for module in sorted(ARROWS)
        for other in sorted(ARROWS[module])
        if top_of(module) == top and floor(module) < floor(other)
    ]
    assert not up


@pytest.mark.parametrize("top", TOPS)
def test_no_modules_import_each_other_in_a_circle(top):
    """A circle of two packages is one of each of them."""
    assert not [c for c in circles(ARROWS) if top in map(top_of, c)]


def test_every_kind_of_import_is_found(tmp_path):
    """At the top, in a function, for type checkers; absolute, relative, of a package or a name."""
    texts = {
        "a/__init__.py": "from .b import thing",
        "a/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import c",
        "a/c.py": "def f():\n    import a.d.e, numpy",
        "a/d/__init__.py": "",
        "a/d/e.py": "from ..b import thing\nfrom .. import name\nfrom f import other",
        "f.py": "from a.d import e, nothing",
        "g/h.py": "import i",  # of a folder without __init__.py
        "g/i.py": "from h import name",
        "a.py": "import f",  # a script beside a package of its name
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = arrows(modules(tmp_path, ["a", "a.py", "f", "g"]))
    assert found == {
        "a": {"a.b"},
        "a.b": {"a.c"},
        "a.c": {"a.d.e"},
        "a.d": set(),
        "a.d.e": {"a.b", "a", "f"},
        "f": {"a.d.e", "a.d"},
        "g.h": {"g.i"},
        "g.i": {"g.h"},
        "a.py": {"f"},
    }
    assert circles(found) == [["a", "a.b", "a.c", "a.d.e", "f"], ["g.h", "g.i"]]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set(), "d": {"e"}, "e": {"d"}}) == [["d", "e"]]
