"""What caffe/core/device.py sets for the process."""

import subprocess
import sys

import pytest

AGAIN = """
import resource
import caffe
import torch


def taken():
    blocks = [torch.ones(1 << 18) for _ in range(24)]  # of 1 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


for _ in range(4):
    before = taken()
print(taken() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_memory_that_a_pass_has_freed_is_there_for_the_next():
    """Without it, all 6144 pages are taken anew."""
    done = subprocess.run([sys.executable, "-c", AGAIN], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500
