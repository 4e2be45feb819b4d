"""Laws of core/allocation.py: a block that was freed is taken again without the system."""

import os
import subprocess
import sys

import pytest

TWICE = """
import resource

import torch
{}
for _ in range(6):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(10 << 20).fill_(1)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""


def faults(line: str, **settings: str) -> int:
    """Pages that the system gave out for the last of six blocks of 40 MB, one after the other."""
    done = subprocess.run(
        [sys.executable, "-c", TWICE.format(line)],
        env={k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")} | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_a_freed_block_is_kept_unless_the_user_says_otherwise():
    assert faults("import caffe") < 100
    assert faults("import caffe", MALLOC_MMAP_THRESHOLD_=str(1 << 20)) > 300
