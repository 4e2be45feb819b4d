"""LeNet and FCN-32s in small, with the data that they train on, for tests of whole trainings."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from caffe.feeding.datum import array_to_datum
from caffe.formats.database import create_database
from caffe.proto.text import prototxt
from data import synthetic
from solvers.train_stage import dataset_at

LENET = """
layer {{ name: "data" type: "Data" top: "data" top: "label"
  transform_param {{ scale: 0.004 mirror: true }}
  data_param {{ source: "{database}" backend: LMDB batch_size: {batch} }} }}
layer {{ name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param {{ num_output: 8 kernel_size: 5 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
layer {{ name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param {{ num_output: 16 kernel_size: 5 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
  pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
layer {{ name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
  inner_product_param {{ num_output: 32 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }}
layer {{ name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param {{ num_output: 10 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy"
  include {{ phase: TEST }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }}
"""

RULES = {
    "SGD": 'type: "SGD" base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005',
    "Adam": 'type: "Adam" base_lr: 0.001 momentum: 0.9 momentum2: 0.999',
}


def digits(folder: Path, count: int = 23, order: Sequence[int] | None = None) -> Path:
    """An LMDB of so many (1, 28, 28) images of ten classes, each with a stroke of its own.

    order: the images that its records are, from first to last; without it each, once.
    """
    draws = np.random.RandomState(0)
    images = draws.randint(0, 100, (count, 1, 28, 28)).astype(np.uint8)
    path = folder / "digits"
    with create_database(path, "lmdb") as database:
        for record, i in enumerate(range(count) if order is None else order):
            image = images[i].copy()
            image[:, 2 * (i % 10) : 2 * (i % 10) + 6] += 100
            database.put(b"%08d" % record, array_to_datum(image, i % 10).SerializeToString())
    return path


def lenet_solver(database: Path, prefix: Path, rule: str = "SGD", more: str = "", batch: int = 4):
    """The text of a solver of LeNet on a database."""
    net = LENET.format(database=database, batch=batch)
    return (
        f'net_param {{ {net} }} {RULES[rule]} lr_policy: "fixed" random_seed: 3 max_iter: 20 '
        f'snapshot_prefix: "{prefix}" {more}'
    )


def fcn_solver(
    folder: Path, prefix: Path, rule: str = "SGD", more: str = "", width: float = 1 / 32
):
    """The text of a solver of FCN-32s on six synthetic images of different sizes."""
    import nets

    voc = folder / "data" / "pascal" / "VOC2011"
    if not voc.exists():
        synthetic.generate(folder / "data", train=6, val=3, size=(48, 64), seed=1)
    dataset = dataset_at("synthetic", voc)
    net = nets.net_for(
        dataset, "fcn32s", "train", width=width, seed=5, normalize=True, mirror=True, dropout=False
    )
    for layer in net.layer:
        if layer.type == "Convolution":  # its fillers are for weights that are loaded
            layer.convolution_param.weight_filler.type = "xavier"
    return (
        f'train_net_param {{ {prototxt(net)} }} {RULES[rule]} lr_policy: "fixed" random_seed: 3 '
        f'snapshot_prefix: "{prefix}" {more}'
    )
