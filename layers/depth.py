"""What depth maps hold: millimetres, as a Kinect measures them indoors; numpy alone."""

import numpy as np

MEDIAN = (400, 10_000)  # millimetres, between which that of a room lies
FARTHEST = 20_000
UNITS = {1000: "metres", 10: "centimetres", 0.1: "tenths of millimetres"}  # by their millimetres


def check_millimetres(depth: np.ndarray, name: object) -> None:
    """ValueError, with `name`, for depth that can't be a room's in millimetres; 0 is none."""
    known = depth[depth > 0]
    if not known.size:
        return
    median, farthest = float(np.median(known)), float(known.max())
    if MEDIAN[0] <= median <= MEDIAN[1] and farthest <= FARTHEST:
        return
    likely = [unit for size, unit in UNITS.items() if MEDIAN[0] <= median * size <= MEDIAN[1]]
    guess = f"is it in {likely[0]}? " if likely else ""
    raise ValueError(
        f"{name}: depth has a median of {median:g} and goes up to {farthest:g}; expected "
        f"millimetres, with a median of {MEDIAN[0]} to {MEDIAN[1]} and up to {FARTHEST}: {guess}"
        "convert it to millimetres"
    )
