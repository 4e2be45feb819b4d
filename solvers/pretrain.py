"""Pretraining of the demo's classifier: VGG16 at small width, on synthetic labelled images."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

import caffe
import nets
from caffe.core.files import write_text
from caffe.proto import caffe_pb2
from caffe.proto.text import prototxt
from data.datasets import DATASETS
from nets.blocks import without_dropout

from .recipes import DEMO_DATASET

CLASSES = len(DATASETS[DEMO_DATASET].classes) - 1  # no image is labelled background
IMAGES = 1500
BATCH = 16


def pretrain(folder: Path, *, width: float, iterations: int, seed: int) -> Path:
    """Train the classifier in `folder`; returns the path of its caffemodel."""
    params = {
        "images": IMAGES,
        "batch": BATCH,
        "size": 224,
        "seed": seed,
        "mean": DATASETS[DEMO_DATASET].mean,
    }
    data = dict(
        module="data.classification_layer", layer="ClassificationDataLayer", param_str=params
    )
    # A short training has no use for dropout's noise.
    net = without_dropout(nets.classifier("val", classes=CLASSES, data=data, width=width))
    # Pixels are around 60, not 1: without this the first steps are far too long.
    conv1_1 = next(layer for layer in net.layer if layer.name == "conv1_1")
    conv1_1.convolution_param.weight_filler.type = "gaussian"
    conv1_1.convolution_param.weight_filler.std = 0.01
    write_text(folder / "train.prototxt", prototxt(net))
    solver_param = caffe_pb2.SolverParameter(
        train_net=str(folder / "train.prototxt"),
        base_lr=0.02,
        lr_policy="poly",
        power=1,
        clip_gradients=2,
        momentum=0.9,
        weight_decay=0.0005,
        max_iter=iterations,
        snapshot_prefix=str(folder / "train"),
        random_seed=seed,
    )
    write_text(folder / "solver.prototxt", prototxt(solver_param))
    solver = caffe.get_solver(str(folder / "solver.prototxt"))
    losses, accuracies = [], []
    with tqdm(total=iterations, desc="classifier", unit="iter") as bar:

        def on_gradients_ready() -> None:
            losses.append(float(solver.net.blobs["loss"].data))
            accuracies.append(float(solver.net.blobs["accuracy"].data))
            bar.update()
            recent = dict(loss=np.mean(losses[-20:]), accuracy=np.mean(accuracies[-20:]))
            bar.set_postfix({k: f"{v:.2f}" for k, v in recent.items()}, refresh=False)

        solver.add_callback(lambda: None, on_gradients_ready)
        solver.step(iterations)
    path = folder / "vgg16.caffemodel"
    solver.net.save(str(path))
    return path
