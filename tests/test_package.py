"""What the distribution says of itself agrees with the rest."""

import os
import re
import subprocess
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


NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 2 dim: 2 dim: 9 dim: 9 } shape { dim: 2 dim: 1 dim: 9 dim: 9 }
    data_filler { type: "gaussian" } data_filler { type: "constant" } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "conv" bottom: "label" top: "loss" }
"""
TRAINS = """
import sys, caffe
net = caffe.Net("net.prototxt", caffe.TRAIN)
net.forward()
net.backward()
assert net.params["conv"][0].diff.any()
open("solver.prototxt", "w").write('net: "net.prototxt" base_lr: 1 lr_policy: "fixed"')
caffe.get_solver("solver.prototxt").step(2)
print({"sympy", "h5py", "scipy", "matplotlib", "onnx"} & sys.modules.keys())
"""


def test_a_net_learns_without_the_imports_that_take_long(tmp_path):
    """torch imports sympy for gradients that it is given, 0.6 s; h5py takes 0.07 s."""
    (tmp_path / "net.prototxt").write_text(NET)
    done = subprocess.run(
        [sys.executable, "-c", TRAINS],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "GLOG_minloglevel": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n", done.stdout
