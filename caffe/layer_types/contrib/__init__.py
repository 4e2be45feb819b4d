"""Layer types of forks of Caffe, a file for each family; strict nets refuse them."""

from . import (  # noqa: F401
    bn,
    labelled_images,
    meanfield,
    resampling,
    seg_accuracy,
    spatial_dropout,
)
