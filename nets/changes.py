"""How a net may depart from the released one: what the paper's studies vary (3.3 to 4.3)."""

from os import PathLike
from typing import NamedTuple

from caffe import params as P

FUSIONS = {"sum": P.Eltwise.SUM, "max": P.Eltwise.MAX}
UPSAMPLING = ("fixed", "learned", "random")


class Changes(NamedTuple):
    """What a net has otherwise than the released one, which has these defaults.

    fusion         how the scores of two strides become one: a name of FUSIONS (section 4.2)
    coarse         whether the scores of stride 32 are among them (4.2: only pool4)
    fine           pool5 has stride 1, and fc6 a window of 14 x 14, new, in VGG16 (4.2)
    upsampling     between two strides, one of UPSAMPLING (3.3): bilinear for good; learned from
                   there; learned from random values. That to the image is always bilinear
    fixed          only the scores learn (4.3)
    score_std      of the normal distribution that scores start from (4.3); 0: they start at zero
    kept           share of the cells of the coarsest scores whose loss counts in training (3.4)
    class_weights  the file of InfogainLoss's matrix, for the loss in training (4.3)
    """

    fusion: str = "sum"
    coarse: bool = True
    fine: bool = False
    upsampling: str = "fixed"
    fixed: bool = False
    score_std: float = 0.0
    kept: float = 1.0
    class_weights: str | PathLike | None = None

    def check(self) -> None:
        """ValueError for a value that there is none of, with those that there are."""
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion {self.fusion!r}: choose from {', '.join(FUSIONS)}")
        if self.upsampling not in UPSAMPLING:
            raise ValueError(f"upsampling {self.upsampling!r}: choose from {', '.join(UPSAMPLING)}")
        if not 0 < self.kept <= 1:
            raise ValueError(
                f"kept {self.kept!r}: expected the share of cells whose loss counts, above 0 and "
                "at most 1"
            )


RELEASED = Changes()
