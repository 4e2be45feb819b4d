"""What the distribution says of itself agrees with the rest."""

import re
import sys
from pathlib import Path

import pytest

import caffe

pytestmark = pytest.mark.smoke

ROOT = Path(__file__).parent.parent
PYPROJECT = (ROOT / "pyproject.toml").read_text()


def test_the_changelog_begins_with_the_version_of_the_distribution():
    (version,) = re.findall(r'^version = "(.+?)"', PYPROJECT, re.MULTILINE)
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest[1] == version


def test_the_version_stands_in_one_place():
    assert "version" not in (ROOT / "setup.py").read_text()


def test_scripts_read_the_version_of_the_caffe_that_is_followed():
    assert caffe.__version__ == "1.0.0"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs tomllib")
def test_every_folder_of_the_package_is_found():
    import tomllib
    from setuptools import find_packages

    found = find_packages(
        ROOT, **tomllib.loads(PYPROJECT)["tool"]["setuptools"]["packages"]["find"]
    )
    folders = {path.parent for path in (ROOT / "caffe").rglob("*.py")}
    assert set(found) == {".".join(folder.relative_to(ROOT).parts) for folder in folders}
