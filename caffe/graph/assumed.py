"""What data layers give whose files are not there, as far as their prototxt says it."""

import math
from typing import Any

from ..feeding.frames import VIDEO, segment_modality
from ..proto import caffe_pb2

Shape = tuple[int, ...]
WITH_OBJECTS = {"ImageGtData": 7, "DetectionData": 8, "EvalData": 8}  # values of each object
LABELS = ("label_dim", "label_size", "label_num")  # how many an image has
# What has as many frames or labels as its files alone tell
TOLD_BY_FILES = ("MultiLabelImageData", "VideoSegmentationData", "VideoWithVoxelTruthData")
LABEL_MAPS = (
    *("DenseImageData", "ImageLabelData", "ImageLabelListData", "ImageLabelmapData"),
    *("ImageSegData", "WindowSegData", "SelectSegBinary"),
)


def lacks_source(layer: caffe_pb2.LayerParameter) -> bool:
    """Whether this is a data layer that names no file, as in templates that a program fills in."""
    return not layer.bottom and any(
        "source" in param.DESCRIPTOR.fields_by_name and not param.HasField("source")
        for param in _params(layer)
    )


def assumed_shapes(layer: caffe_pb2.LayerParameter) -> dict[str, Shape]:
    """The tops of a data layer whose images have a size that is given, {} for any other layer.

    The size is crop_size, or without it new_height and new_width, or a resize_param's; as Caffe has
    it at first, an image of a short and a long side stands upright.
    """
    params = _params(layer)
    if layer.type in WITH_OBJECTS and params:
        return _with_objects(layer, params[0])
    size = _size(layer.transform_param, params)
    if layer.bottom or not (params and size) or layer.type in TOLD_BY_FILES:
        return {}
    param = params[0]
    if getattr(param, "data_type", "") == "h5":
        return {}  # how many maps a label has the files alone tell
    gray = "is_color" in param.DESCRIPTOR.fields_by_name and not param.is_color
    channels = 1 if gray or layer.transform_param.force_gray else 3
    images: Shape = (param.batch_size, channels, *size)
    labels = next((count for name in LABELS if (count := getattr(param, name, 0))), 0)
    label: Shape = (param.batch_size, labels) if labels else (param.batch_size,)
    more: list[Shape] = []
    if layer.type == "VideoData" and "new_length" in param.DESCRIPTOR.fields_by_name:
        of_video = isinstance(param, VIDEO)
        images = _clips(param, segment_modality(param) if of_video else None, images)
    elif layer.type == "MultiFrameData":
        images = _clips(param, VIDEO.RGB, images)
        label = (param.batch_size, 1, 1, 1)
    elif layer.type in LABEL_MAPS:
        sliced = param.label_slice.dim if layer.HasField("image_label_data_param") else ()
        smaller = max(layer.dense_image_data_param.label_divide_factor, 1)
        label = (param.batch_size, 1, *(sliced or (side // smaller for side in size)))
        more = [(param.batch_size, 1, 1, 2)]
        if layer.type == "SelectSegBinary":
            more = [(param.batch_size, layer.window_cls_data_param.label_dim, 1, 1)]
    elif layer.type == "AnnotatedData":
        label = (1, 1, 1, 8)  # as many rows as there are objects
    return dict(zip(layer.top, [images, label, *more], strict=False))


def _with_objects(layer: caffe_pb2.LayerParameter, param: Any) -> dict[str, Shape]:
    """The tops of MS-CNN's and Cascade R-CNN's: images, labels of each scale, objects, or sizes."""

    def pair(*names: str) -> Shape | None:
        values = tuple(getattr(param, name, 0) for name in names)
        return values if all(values) else None

    size = pair("crop_height", "crop_width") or pair("crop_long_size", "crop_short_size")
    size = size or pair("resize_height", "resize_width") or pair("long_size", "short_size")
    if not size:
        return {}
    count, objects = param.batch_size, (1, WITH_OBJECTS[layer.type], 1, 1)
    shapes: list[Shape] = [(count, 3, *size)]
    if layer.type == "EvalData":
        shapes += [objects, (count, 2, 1, 1)]
    else:
        rates = param.downsample_rate if layer.type == "ImageGtData" else param.stride
        shapes += [(count, 6, *(math.floor(side / rate + 0.5) for side in size)) for rate in rates]
        shapes.append(objects)
    return dict(zip(layer.top, shapes, strict=False))


def _params(layer: caffe_pb2.LayerParameter) -> list[Any]:
    """The messages that say how many items a batch has."""
    return [
        param
        for field, param in layer.ListFields()
        if field.message_type and "batch_size" in field.message_type.fields_by_name
    ]


def _size(transform: caffe_pb2.TransformationParameter, params: list[Any]) -> Shape | None:
    """Height and width of all images, where the prototxt says them."""
    sizes = [(transform.crop_h or transform.crop_size, transform.crop_w or transform.crop_size)]
    for param in params:
        if "new_height" in param.DESCRIPTOR.fields_by_name:
            sizes.append((param.new_height, param.new_width))
    for policy in transform.resize_param:
        if policy.resize_mode != policy.FIT_SMALL_SIZE:
            sizes.append((policy.height, policy.width))
    return next((size for size in sizes if all(size)), None)


def _clips(param: Any, modality: int | None, images: Shape) -> Shape:
    """The shape of clips: frames have an axis, but in the temporal segment networks.

    SSD's VideoData gives frames, whose number is data_param's, and no clips.
    """
    n, channels, *size = images
    if modality is None:
        return (n, channels, param.new_length, *size)
    of_each = 2 if modality == VIDEO.FLOW else 3
    steps = param.length_first and modality != VIDEO.FLOW
    frames = param.new_length // (max(param.step, 1) if steps else 1)
    return (n, param.num_segments * of_each * frames, *size)
