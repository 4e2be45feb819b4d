"""Training: solver parameters, the 32s -> 16s -> 8s staging, scores and their pictures."""

import sys
from pathlib import Path

# Prototxt names the data layers by module ("voc_layers"), so their folder must be importable.
sys.path.append(str(Path(__file__).resolve().parent.parent / "layers"))
