"""What all arms of all studies have in common: data, the family of nets, how long they train."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from data.datasets import Dataset

# The nets of each family, from that without skips to that with two
STAGES = {
    "vgg16": ("fcn32s", "fcn16s", "fcn8s"),
    "googlenet": ("fcn-googlenet", "fcn-googlenet-16s", "fcn-googlenet-8s"),
    "squeezenet": ("fcn32s-squeezenet", "fcn16s-squeezenet", "fcn8s-squeezenet"),
}


# One of solvers.recipes.REGIMES: of those there are, the one that needs the fewest iterations
REGIME = "short"


@dataclass(frozen=True)
class Setting:
    """The ground that all arms stand on.

    dataset     as it is published; `downscale` divides the size of its images
    family      a key of STAGES
    weights     the family's classifier, made fully convolutional
    width       scales the channels
    rate        base_lr of an image a step, in the regime REGIME
    iterations  of each arm, at `points` of which, evenly apart, it is scored
    seeds       an arm is trained once with each: they decide order, dropout and what is drawn
    out         folder of all runs, tables and figures
    """

    dataset: Dataset
    family: str
    weights: Path
    width: float
    rate: float
    iterations: int
    seeds: tuple[int, ...]
    out: Path
    downscale: int = 2
    points: int = 4

    @property
    def stages(self) -> tuple[str, ...]:
        """The family's nets, by the number of their skips."""
        return STAGES[self.family]

    def data(self, downscale: int | None = None) -> Dataset:
        """The dataset downscaled as the setting says, or by another factor."""
        factor = self.downscale if downscale is None else downscale
        options = {**self.dataset.options, "downscale": factor}
        return dataclasses.replace(self.dataset, options=options)
