"""Layer types of forks of Caffe, a file for each family; strict nets refuse them."""

from . import (  # noqa: F401
    bn,
    depthwise,
    elementwise,
    labelled_images,
    losses,
    meanfield,
    multibox,
    ohem,
    resampling,
    rois,
    seg_accuracy,
    shape,
    spatial_dropout,
    ssd,
)
