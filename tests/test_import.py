"""What `import caffe` does to the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.smoke

ROOT = Path(__file__).parent.parent
SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
# A finder that is asked for torch before anything else is, and says what is set then
PROGRAM = """
import os, sys

class Told:
    def find_spec(name, path=None, target=None):
        if name == "torch":
            print(*(os.environ.get(setting) for setting in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")))

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
def test_threads_wait_without_spinning_from_the_time_that_torch_is_loaded(module):
    assert settings_as_torch_loads(module) == ["PASSIVE", "None"]


@pytest.mark.parametrize(
    ("chosen", "seen"),
    [
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", "None"]),
        ({"GOMP_SPINCOUNT": "1000"}, ["None", "1000"]),
    ],
)
def test_what_the_user_has_chosen_stays(chosen, seen):
    assert settings_as_torch_loads("caffe", **chosen) == seen
