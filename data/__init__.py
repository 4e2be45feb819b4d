"""Datasets: what is known of each, how to get it, check it, draw its labels, and make one up.

Importing this package makes the modules of layers/ importable by their plain names, as prototxt
names them: `seg_labels` says how a dataset numbers its labels. Nothing else sets their path.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "layers"))
