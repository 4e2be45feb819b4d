"""The published nets in a table: how a test builds each in small, and what is known of it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

import caffe
from support.net_text import net_of
from support.published import detection, opencv, segmentation
from surgery.random_weights import with_statistics

NARROW = 1 / 16


class Published(NamedTuple):
    """deploy: the net's text at a width, in small; full: as its authors have it, and its
    parameters in millions, as many as the published caffemodel has."""

    deploy: Callable[[float], str]
    full: Callable[[], str]
    parameters: float


NETS = {
    "SegNet": Published(lambda w: segmentation.segnet(w, 72, 96), segmentation.segnet, 29.46),
    "DeconvNet": Published(lambda w: segmentation.deconvnet(w, 64), segmentation.deconvnet, 251.84),
    "PSPNet-50": Published(lambda w: segmentation.pspnet(w, 89), segmentation.pspnet, 46.8),
    "DeepLab-LargeFOV": Published(
        lambda w: segmentation.deeplab_largefov(w, 65), segmentation.deeplab_largefov, 20.51
    ),
    "DeepLab v2": Published(
        lambda w: segmentation.deeplab_v2(w, 65), segmentation.deeplab_v2, 44.15
    ),
    "CRF-RNN": Published(lambda w: segmentation.crf_rnn(w, 40), segmentation.crf_rnn, 134.49),
    "HED": Published(lambda w: segmentation.hed(w, 50, 60), segmentation.hed, 14.72),
    "SSD-300": Published(detection.ssd300, detection.ssd300, 26.29),
    "MobileNet-SSD": Published(detection.mobilenet_ssd, detection.mobilenet_ssd, 5.81),
    "SSD of faces": Published(detection.faces, detection.faces, 2.66),
    "Faster R-CNN": Published(
        lambda w: detection.faster_rcnn(w, 64, 80), detection.faster_rcnn, 137.08
    ),
    "R-FCN": Published(lambda w: detection.rfcn(w, 64, 80), detection.rfcn, 31.86),
    "YOLOv2": Published(lambda w: detection.yolov2(w, 96), detection.yolov2, 50.68),
    "OpenPose": Published(lambda w: opencv.openpose(w, 32, 40), opencv.openpose, 52.31),
    "age": Published(opencv.ages, opencv.ages, 11.42),
    "colorization": Published(lambda w: opencv.colorization(w, 64), opencv.colorization, 32.24),
    "GOTURN": Published(opencv.goturn, opencv.goturn, 113.75),
}

# As drawn, a detector is so sure of its boxes that their scores are alike to the last bit, or finds
# none: what its confidences' weights are multiplied by, to have some that differ.
SURE = {"SSD-300": 0.3, "MobileNet-SSD": 5, "SSD of faces": 0.1}


TRAINED: dict[str, Callable[[str], str]] = {  # from the folder of the images
    "SegNet": lambda folder: segmentation.segnet(NARROW, 72, 96, f"{folder}/list.txt"),
    "DeconvNet": lambda folder: segmentation.deconvnet(NARROW, 64, train=True),
    "PSPNet-50": lambda folder: segmentation.pspnet(NARROW, 89, train=True),
    "DeepLab-LargeFOV": lambda folder: segmentation.deeplab_largefov(NARROW, 65, folder),
    "DeepLab v2": lambda folder: segmentation.deeplab_v2(NARROW, 65, folder),
    "CRF-RNN": lambda folder: segmentation.crf_rnn(NARROW, 40, train=True),
    "HED": lambda folder: segmentation.hed(NARROW, source=f"{folder}/list.txt"),
    "SSD-300": lambda folder: detection.ssd300(NARROW, train=True),
    "MobileNet-SSD": lambda folder: detection.mobilenet_ssd(NARROW, train=True),
    "R-FCN": lambda folder: detection.rfcn(NARROW, 64, 80, train=True),
}


def training_net(name: str, folder: Path) -> str:
    """The text of a net that trains, and in the folder the images that it reads."""
    root, slash = {"SegNet": (folder, "/"), "HED": ("", "")}.get(name, ("", "/"))
    lines = [f"{root}{slash}{i}.png {root}{slash}{i}_label.png\n" for i in range(2)]
    (folder / "list.txt").write_text("".join(lines))
    rng = np.random.RandomState(0)
    for i in range(2):
        labels = rng.randint(0, 11, (72, 96)) if name != "HED" else rng.choice([0, 255], (72, 96))
        Image.fromarray(rng.randint(0, 256, (72, 96, 3)).astype(np.uint8)).save(folder / f"{i}.png")
        Image.fromarray(labels.astype(np.uint8)).save(folder / f"{i}_label.png")
    return TRAINED[name](str(folder))


def open_drawn(text: str, phase: int = caffe.TEST) -> caffe.Net:
    """A net with drawn weights."""
    caffe.set_random_seed(4)
    return with_statistics(net_of(text, phase))


def open_deploy(name: str) -> caffe.Net:
    """The narrow net of NETS with drawn weights, and inputs of its own size."""
    net = open_drawn(NETS[name].deploy(NARROW))
    for layer in (each for each in net.params if each.endswith("_mbox_conf")):
        net.params[layer][0].data[...] *= SURE[name]
    return fed(net)


def fed(net: caffe.Net) -> caffe.Net:
    """The net, with drawn values in its inputs."""
    rng = np.random.RandomState(0)
    for name in net.inputs:
        net.blobs[name].data[...] = rng.randn(*net.blobs[name].shape)
    if "im_info" in net.inputs:
        net.blobs["im_info"].data[...] = (*net.blobs["data"].shape[2:], 1)
    return net
