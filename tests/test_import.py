"""What `import caffe` does to the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
# A finder that is asked for torch before anything else is, and says what is set then: all is known
PROGRAM = """
import os, sys

class Told:
    def find_spec(name, path=None, target=None):
        if name == "torch":
            settings = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
            print(*(os.environ.get(setting) for setting in settings), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Told)
import {module}
"""


def settings_as_torch_loads(module: str, **chosen: str) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if k not in SETTINGS} | chosen
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("module", ["caffe", "solvers.train_stage", "tables.__main__"])
def test_threads_spin_a_little_from_the_time_that_torch_is_loaded(module):
    assert settings_as_torch_loads(module) == ["PASSIVE", "10000"]


@pytest.mark.parametrize(
    ("chosen", "seen"),
    [
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", "None"]),
        ({"GOMP_SPINCOUNT": "0"}, ["None", "0"]),
    ],
)
def test_what_the_user_has_chosen_stays(chosen, seen):
    assert settings_as_torch_loads("caffe", **chosen) == seen


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
