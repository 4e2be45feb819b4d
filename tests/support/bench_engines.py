"""Engines for the tests of the bench: nothing is imported that takes time to load."""

import os
from pathlib import Path

import numpy as np

from bench.work import Work


class Noted:
    """Notes each pass in the folder's file `passes`, by its own letter."""

    letter = ""

    def __init__(self, work: Work) -> None:
        self.path = Path(work.folder) / "passes"

    def once(self) -> None:
        with open(self.path, "a") as file:
            file.write(self.letter)

    def outputs(self):
        yield "score", np.array([1.0, 2.0])


class A(Noted):
    letter = "A"


class B(Noted):
    letter = "B"


class Differs(Noted):
    def outputs(self):
        yield "score", np.array([1.0, 2.5])


class Dies(Noted):
    def once(self) -> None:
        os._exit(9)


def missing(work: Work):
    raise ModuleNotFoundError("No module named 'engine'")
