"""The studies whose arms are trained: which arms, and what the paper says of them.

Sections are the paper's.
"""

from typing import NamedTuple

from nets import Changes

from .arms import Arm, plain
from .claims import Claim

SCORE_STD = 0.01  # of scores that start from random values
AUGMENTED = {"mirror": True, "jitter": 32}


PAPER = "Long, Shelhamer, Darrell, CVPR 2015 (arXiv:1411.4038v2), VOC's seg11valid"
GUIST = "Guist: report on FCNs for Cityscapes, FCN-8s on its val"


class Study(NamedTuple):
    """Arms that are trained alike but for one thing, and what `source` claims of them."""

    title: str
    arms: tuple[Arm, ...]
    claims: tuple[Claim, ...]
    source: str = PAPER


def _sampled(kept: float) -> Arm:
    return Arm(f"p = {kept:g}", changes=Changes(kept=kept), batch=round(1 / kept))


STUDIES = {
    "patches": Study(
        "Patches as a sampled loss (Figure 5)",
        (plain(0, "p = 1"), _sampled(0.5), _sampled(0.25)),
        (
            *(
                Claim(
                    "sampling the loss, with as many terms a step, converges alike per iteration",
                    "3.4, 4.3, Figure 5",
                    *(arm, "as good as", "p = 1", "loss"),
                )
                for arm in ("p = 0.5", "p = 0.25")
            ),
            Claim(
                "it takes significantly more time, for more images are needed a step",
                "3.4, 4.3, Figure 5",
                *("p = 0.25", "worse than", "p = 1", "loss after as many images"),
            ),
        ),
    ),
    "upsampling": Study(
        "Upsampling between the strides: fixed, learned, learned from random values",
        (
            plain(1, "bilinear, fixed"),
            plain(1, "bilinear, then learned", changes=Changes(upsampling="learned")),
            plain(1, "random, then learned", changes=Changes(upsampling="random")),
        ),
        (
            Claim(
                "upsampling in the net can be learned, from bilinear on",
                "3.3, 4.3",
                *("bilinear, then learned", "no worse than", "bilinear, fixed"),
            ),
            Claim(
                "it is initialised to bilinear interpolation, of which random values know nothing",
                "3.3, 4.3",
                *("random, then learned", "worse than", "bilinear, then learned"),
            ),
        ),
    ),
    "fusion": Study(
        "Fusing what and where",
        (
            plain(1, "skip, sum", published="62.4"),
            plain(1, "skip, max", changes=Changes(fusion="max")),
            plain(1, "skip alone", changes=Changes(coarse=False)),
            Arm("no skip, trained on, rate 1/100", start="before", rate=0.01),
            Arm(
                "pool5 of stride 1, fc6 14 x 14",
                start="before",
                changes=Changes(fine=True),
                families=("vgg16",),
            ),
            plain(0, "no skip", published="59.4"),
        ),
        (
            Claim(
                "the skip improves mean IU by 3.0 points",
                "4.2",
                *("skip, sum", "better than", "no skip"),
            ),
            Claim(
                "max fusion makes learning difficult, for gradients switch",
                "4.2",
                *("skip, max", "worse than", "skip, sum"),
            ),
            Claim(
                "pool4 alone, without the coarser scores, performs poorly",
                "4.2",
                *("skip alone", "worse than", "no skip"),
            ),
            Claim(
                "a smaller learning rate without the skip improves insignificantly",
                "4.2",
                *("no skip, trained on, rate 1/100", "no better than", "no skip"),
            ),
            Claim(
                "filters as large as fc6's with pool5 of stride 1 are difficult to learn",
                "4.2",
                *("pool5 of stride 1, fc6 14 x 14", "worse than", "skip, sum"),
            ),
        ),
    ),
    "init": Study(
        "What training starts from, and what it may change",
        (
            plain(0, "scores from zero", published="59.4"),
            Arm("scores from random values", changes=Changes(score_std=SCORE_STD)),
            Arm("scores alone learn", changes=Changes(fixed=True), published="45.4"),
            Arm("from scratch", start="scratch"),
        ),
        (
            Claim(
                "scores that start from random values are no better",
                "4.3",
                *("scores from random values", "no better than", "scores from zero"),
            ),
            Claim(
                "fine-tuning the classifier layer alone gives 70 % of the full performance",
                "4.3, Table 2",
                *("scores alone learn", "worse than", "scores from zero"),
            ),
            Claim(
                "training from scratch is not feasible in the time",
                "4.3",
                *("from scratch", "worse than", "scores from zero"),
            ),
        ),
    ),
    "balance": Study(
        "Balancing classes by the inverse of their frequency",
        (plain(0, "unweighted", published="59.4"), Arm("balanced", balanced=True)),
        (
            Claim(
                "class balancing is unnecessary",
                "4.3",
                *("unweighted", "no worse than", "balanced"),
            ),
        ),
    ),
    "augmentation": Study(
        "Mirrored and jittered images",
        (
            plain(0, "none", published="59.4"),
            Arm("mirrored, jittered up to 32 pixels", data=AUGMENTED),
        ),
        (
            Claim(
                "mirroring and jittering by up to 32 pixels give no noticeable improvement",
                "4.3",
                *("mirrored, jittered up to 32 pixels", "no better than", "none"),
            ),
        ),
    ),
    "more-data": Study(
        "More training images (published: 1,112 and 8,498)",
        (
            Arm("an eighth", data={"every": 8}, published="56.0"),
            Arm("a quarter", data={"every": 4}),
            Arm("a half", data={"every": 2}),
            plain(0, "all", published="59.4"),
        ),
        (
            Claim(
                "8,498 images instead of 1,112 improve mean IU by 3.4 points",
                "4.3",
                *("all", "better than", "an eighth"),
            ),
        ),
    ),
    "scale": Study(
        "Images of another size than those trained on",
        (
            Arm("halved, scored halved", downscale=2, published="60.8"),
            Arm("halved, scored full-size", downscale=2, scored=1, published="54.0"),
        ),
        (
            Claim(
                "a net that was trained on halved images is worse on full-size ones",
                "Guist, FCN-8s on Cityscapes",
                *("halved, scored full-size", "worse than", "halved, scored halved"),
            ),
        ),
        GUIST,
    ),
}
