"""Weights from net to net: `transplant`, and what a new net's other layers start from."""

from .rarefy import rarefy
from .transplant import Report, expand_score, transplant, transplant_first
from .upsample import interp, upsample_filt

__all__ = [
    "Report",
    "expand_score",
    "interp",
    "rarefy",
    "transplant",
    "transplant_first",
    "upsample_filt",
]
