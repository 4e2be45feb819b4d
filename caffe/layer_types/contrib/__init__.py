"""Layer types of forks of Caffe, a file for each family; strict nets refuse them."""

from . import (  # noqa: F401
    annotated_data,
    bn,
    depthwise,
    detection_evaluate,
    elementwise,
    labelled_images,
    losses,
    meanfield,
    multibox,
    ohem,
    proposal,
    resampling,
    rois,
    seg_accuracy,
    shape,
    spatial_dropout,
    ssd,
    video_data,
    yolo,
)
