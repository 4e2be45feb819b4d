"""An arm of a study: one way to train a net, in what it differs from the plain way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import nets


@dataclass(frozen=True)
class Arm:
    """A net and how it is trained; the defaults are the plain way.

    name       what tables and figures call it
    skips      of the net: 0 (FCN-32s), 1 (16s) or 2 (8s)
    changes    what the net has otherwise than the released one
    start      the weights: of the classifier; drawn ("scratch"); or of the plain net "before" it,
               with a skip less (without skips: the same), trained with the same seed
    rate       factor of the base learning rate
    batch      images a step
    data       further options of the data layer in training
    balanced   whether the loss weighs each class by the inverse of its frequency
    downscale  of the images, if not the setting's
    scored     how the images that it is scored on are downscaled, if not as those it trains on
    published  the mean IU in print, in percent
    families   of nets that it is possible with; empty: with all
    """

    name: str
    skips: int = 0
    changes: nets.Changes = nets.RELEASED
    start: Literal["classifier", "scratch", "before"] = "classifier"
    rate: float = 1
    batch: int = 1
    data: dict[str, Any] = field(default_factory=dict)
    balanced: bool = False
    downscale: int | None = None
    scored: int | None = None
    published: str | None = None
    families: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What its folder is called: equal where arms of several studies train alike on images."""
        plain = Arm("")
        own = {
            name: getattr(self, name)
            for name in ("start", "rate", "batch", "balanced")
            if getattr(self, name) != getattr(plain, name)
        }
        changes = self.changes._asdict()
        own |= {k: v for k, v in changes.items() if v != getattr(nets.RELEASED, k)}
        words = [f"skips{self.skips}", *(f"{k}-{v}" for k, v in (own | self.data).items())]
        return re.sub(r"[^\w.-]+", "-", "_".join(words))


def plain(skips: int, name: str = "", **more: Any) -> Arm:
    """The plain net with so many skips: from the classifier, or from the plain net before."""
    return Arm(name, skips, start="before" if skips else "classifier", **more)
