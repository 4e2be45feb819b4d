"""What the paper claims of two arms, what was seen of them, and whether the two agree."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from .training import Outcome

Relation = Literal["as good as", "better than", "worse than"]
Claimed = Relation | Literal["no better than", "no worse than"]
NOTICEABLE = 0.02  # of a value: what is nearer counts as equal
ERRORS = 2  # as is what differs by less than so many standard errors

# By the name of a value: whether more of it is better
VALUES = {"mean IU": True, "loss": False, "loss after as many images": False}

# What is claimed where more than one relation agrees with it
AGREES: dict[str, tuple[Relation, ...]] = {
    "no better than": ("as good as", "worse than"),
    "no worse than": ("as good as", "better than"),
}


class Claim(NamedTuple):
    """How an arm compares with another, in one of VALUES.

    text    what is claimed, as the end of a sentence that begins with "Claimed"
    source  the section
    """

    text: str
    source: str
    arm: str
    relation: Claimed
    than: str
    value: str = "mean IU"


def values(outcomes: Sequence[Outcome], value: str) -> list[float]:
    """One of VALUES of each outcome of an arm, in the order of seeds; nan where it diverged.

    The loss is that of the validation set in the end, or after as many images as an arm with one
    image a step has seen in the end.
    """
    found = []
    for outcome in outcomes:
        if not outcome.points:
            found.append(math.nan)
        elif value == "mean IU":
            found.append(100 * outcome.points[-1].mean_iu)
        elif value == "loss":
            found.append(outcome.points[-1].loss)
        else:
            images = outcome.points[-1].iteration
            early = (p for p in outcome.points if p.iteration * outcome.arm.batch <= images)
            found.append(max(early, default=outcome.points[0]).loss)
    return found


def relation(ours: Sequence[float], others: Sequence[float], more_is_better: bool) -> Relation:
    """How an arm compares with another, trained with the same seeds.

    As good as: the mean difference is less than NOTICEABLE of the other's mean, or than ERRORS of
    its standard errors. An arm that diverged is worse.
    """
    if any(map(math.isnan, ours)) or any(map(math.isnan, others)):
        diverged = [any(map(math.isnan, of)) for of in (ours, others)]
        return "as good as" if all(diverged) else "worse than" if diverged[0] else "better than"
    differences = [a - b for a, b in zip(ours, others, strict=True)]
    mean = statistics.fmean(differences)
    error = 0.0
    if len(differences) > 1:
        error = statistics.stdev(differences) / math.sqrt(len(differences))
    if abs(mean) <= max(NOTICEABLE * abs(statistics.fmean(others)), ERRORS * error):
        return "as good as"
    return "better than" if (mean > 0) == more_is_better else "worse than"


def spread(of: Sequence[float], value: str = "mean IU") -> str:
    """The mean and, of several, the standard deviation, as one of VALUES is printed."""
    known = [x for x in of if not math.isnan(x)]
    if len(known) < len(of):
        return f"diverged ({len(of) - len(known)} of {len(of)})"
    numbers = [statistics.fmean(of), *([statistics.stdev(of)] if len(of) > 1 else [])]
    if value == "mean IU":
        return " ± ".join(f"{number:.1f}" for number in numbers)
    # A loss has any size: four digits of it say enough, and two of how it varies.
    digits = (f"{number:.{n}g}" for number, n in zip(numbers, (4, 2), strict=False))
    return " ± ".join(f"{float(text):g}" for text in digits)


def sentence(claim: Claim, outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """What was claimed, what was seen (`outcomes` by the names of arms), whether it agrees."""
    ours, others = (values(outcomes[arm], claim.value) for arm in (claim.arm, claim.than))
    seen = relation(ours, others, VALUES[claim.value])
    mean, other = statistics.fmean(ours), statistics.fmean(others)
    known = other and not math.isnan(mean + other)
    percent = f", {100 * mean / other:.0f} %" if known else ""
    count = f"{len(ours)} seed{'s' * (len(ours) > 1)}"
    agrees = seen in AGREES.get(claim.relation, (claim.relation,))
    return (
        f"Claimed ({claim.source}): {claim.text}. Seen: {claim.arm} is {seen} {claim.than} "
        f"({claim.value} {spread(ours, claim.value)} against {spread(others, claim.value)}"
        f"{percent}, {count}); it {'agrees' if agrees else 'does not agree'}."
    )
