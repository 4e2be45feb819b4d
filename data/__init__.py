"""Datasets: what is known of each, how to get it, check it, and make one up."""

import sys
from pathlib import Path

# How a dataset numbers its labels is told by layers/, which works without this package.
sys.path.append(str(Path(__file__).resolve().parent.parent / "layers"))
