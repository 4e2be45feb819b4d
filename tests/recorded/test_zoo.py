"""The nets and solvers of BVLC Caffe's models/ and examples/, written again, build and train.

They lie in zoo/ under the paths that BVLC gives them, and run unchanged but for batch sizes, on
small databases at the paths that they name.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import caffe
from caffe.core.files import write_text
from caffe.feeding.datum import array_to_datum
from caffe.formats.database import create_database
from caffe.proto import caffe_pb2
from caffe.proto.text import prototxt, read_prototxt

ZOO = Path(__file__).parents[1] / "zoo"
IMAGES = 2  # in each database

LMDBS = {
    "examples/mnist/mnist_train_lmdb": (1, 28, 28),
    "examples/mnist/mnist_test_lmdb": (1, 28, 28),
    "examples/cifar10/cifar10_train_lmdb": (3, 32, 32),
    "examples/cifar10/cifar10_test_lmdb": (3, 32, 32),
    "examples/imagenet/ilsvrc12_train_lmdb": (3, 256, 256),
    "examples/imagenet/ilsvrc12_val_lmdb": (3, 256, 256),
}
LEVELDBS = {
    "examples/siamese/mnist_siamese_train_leveldb": (2, 28, 28),
    "examples/siamese/mnist_siamese_test_leveldb": (2, 28, 28),
}
MEANS = {
    "examples/cifar10/mean.binaryproto": (3, 32, 32),
    "data/ilsvrc12/imagenet_mean.binaryproto": (3, 256, 256),
}
IMAGE_LISTS = ("data/flickr_style/train.txt", "data/flickr_style/test.txt")
WINDOW_FILES = (
    "examples/finetune_pascal_detection/window_file_2007_trainval.txt",
    "examples/finetune_pascal_detection/window_file_2007_test.txt",
)
HDF5_LISTS = ("examples/hdf5_classification/data/train", "examples/hdf5_classification/data/test")


def write_data() -> None:
    """Everything that the zoo's data layers read, under the current folder."""
    rng = np.random.RandomState(0)
    for backend, databases in (("lmdb", LMDBS), ("leveldb", LEVELDBS)):
        for path, shape in databases.items():
            with create_database(path, backend) as database:
                for i in range(IMAGES):
                    pixels = rng.randint(0, 256, shape).astype(np.uint8)
                    datum = array_to_datum(pixels, i)
                    database.put(b"%08d" % i, datum.SerializeToString())
    for path, shape in MEANS.items():
        mean = caffe_pb2.BlobProto(num=1, channels=shape[0], height=shape[1], width=shape[2])
        mean.data.extend(np.full(np.prod(shape), 120.0))
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(mean.SerializeToString())
    picture = Path("picture.png").absolute()
    Image.fromarray(rng.randint(0, 256, (60, 80, 3)).astype(np.uint8)).save(picture)
    for path in IMAGE_LISTS:
        write_text(path, f"{picture} 0\n{picture} 3\n")
    for path in WINDOW_FILES:
        write_text(path, f"# 0\n{picture}\n3\n60\n80\n2\n3 0.9 5 5 40 50\n0 0.1 10 0 70 30\n")
    for path in HDF5_LISTS:
        import h5py

        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(f"{path}.h5", "w") as file:
            file["data"] = rng.standard_normal((10, 4)).astype(np.float32)
            file["label"] = rng.randint(0, 2, 10).astype(np.float32)
        write_text(f"{path}.txt", f"{path}.h5\n")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory) -> Path:
    """A copy of the zoo with data and with batches of at most two."""
    root = tmp_path_factory.mktemp("zoo") / "caffe"
    shutil.copytree(ZOO, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        write_data()
    for path in root.rglob("*.prototxt"):
        message = caffe_pb2.NetParameter()
        if "solver" in path.name:
            message = caffe_pb2.SolverParameter()
        read_prototxt(path, message)
        shrink(message)
        write_text(path, prototxt(message))
    return root


def shrink(message: caffe_pb2.NetParameter | caffe_pb2.SolverParameter) -> None:
    if isinstance(message, caffe_pb2.SolverParameter):
        message.test_iter[:] = [1] * len(message.test_iter)
        for net in [message.train_net_param, *message.test_net_param]:
            shrink(net)
        return
    for layer in message.layer:
        for param in (layer.data_param, layer.image_data_param, layer.window_data_param):
            if param.HasField("batch_size"):
                param.batch_size = min(param.batch_size, IMAGES)


@pytest.fixture
def inside(zoo, monkeypatch) -> Path:
    """Caffe's folder, where its examples are run from."""
    monkeypatch.chdir(zoo)
    monkeypatch.syspath_prepend(str(zoo / "examples/pycaffe/layers"))
    caffe.set_random_seed(1)
    return zoo


def solvers(big: bool) -> list[str]:
    paths = sorted(str(path.relative_to(ZOO)) for path in ZOO.rglob("*solver*.prototxt"))
    return [path for path in paths if big == (path.startswith("models") or "pascal" in path)]


def takes_a_step(path: str) -> caffe.SGDSolver:
    """One iteration, with the test nets before it: everything is finite, the weights move."""
    solver = caffe.get_solver(path)
    learned = [p.blob for p in solver.net._graph.params if p.lr_mult]
    before = [np.abs(blob.data).sum(dtype=np.float64) for blob in learned]
    solver.step(1)
    assert solver.iter == 1
    for net in (solver.net, *solver.test_nets):
        for name in net.outputs:
            assert np.isfinite(net.blobs[name].data).all(), name
    after = [np.abs(blob.data).sum(dtype=np.float64) for blob in learned]
    moved = [a != b for a, b in zip(after, before, strict=True)]
    assert sum(moved) > len(moved) / 2
    return solver


@pytest.mark.parametrize("path", solvers(big=False))
def test_a_small_solver_of_the_examples_trains(inside, path):
    solver = takes_a_step(path)
    assert solver.test_nets


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        path if "caffenet" in path else pytest.param(path, marks=pytest.mark.long)
        for path in solvers(big=True)
    ],
)
def test_a_net_for_imagenet_trains_at_its_full_size(inside, path):
    takes_a_step(path)


def test_linear_regression_with_a_loss_in_python_trains(inside):
    net_path = "examples/pycaffe/linreg.prototxt"
    solver_text = f'train_net: "{net_path}" lr_policy: "fixed" base_lr: 0.01'
    Path("linreg_solver.prototxt").write_text(solver_text)
    solver = takes_a_step("linreg_solver.prototxt")
    first = solver.net.blobs["loss"].data.item()
    solver.step(200)
    assert solver.net.blobs["loss"].data.item() < first


# Facts of these nets that are known of BVLC's.

LENET = "examples/mnist/lenet.prototxt"
QUICK = "examples/cifar10/cifar10_quick.prototxt"
FULL = "examples/cifar10/cifar10_full.prototxt"
SIAMESE = "examples/siamese/mnist_siamese_train_test.prototxt"
ALEXNET = "models/bvlc_alexnet/deploy.prototxt"
CAFFENET = "models/bvlc_reference_caffenet/deploy.prototxt"
RCNN = "models/bvlc_reference_rcnn_ilsvrc13/deploy.prototxt"
GOOGLENET = "models/bvlc_googlenet/train_val.prototxt"
AUTOENCODER = "examples/mnist/mnist_autoencoder.prototxt"


@pytest.mark.parametrize(
    ("path", "phase", "parameters", "shapes"),
    [
        (LENET, caffe.TEST, 431_080, {"conv2": (64, 50, 8, 8), "prob": (64, 10)}),
        (QUICK, caffe.TEST, 145_578, {"pool3": (1, 64, 4, 4), "prob": (1, 10)}),
        (FULL, caffe.TEST, 89_578, {"norm2": (1, 32, 8, 8), "prob": (1, 10)}),
        (ALEXNET, caffe.TEST, 60_965_224, {"norm1": (10, 96, 55, 55), "prob": (10, 1000)}),
        (CAFFENET, caffe.TEST, 60_965_224, {"norm1": (10, 96, 27, 27), "prob": (10, 1000)}),
        (RCNN, caffe.TEST, 57_687_624, {"fc-rcnn": (10, 200)}),
        (
            GOOGLENET,
            caffe.TRAIN,
            13_378_280,
            {"inception_3a/output": (2, 256, 28, 28), "inception_5b/output": (2, 1024, 7, 7)},
        ),
        (SIAMESE, caffe.TRAIN, 431_102, {"feat_p": (2, 2)}),
        (AUTOENCODER, caffe.TRAIN, 2_837_314, {"encode4": (2, 30), "decode1": (2, 784)}),
    ],
)
def test_parameters_and_shapes_are_those_of_bvlcs_net(inside, path, phase, parameters, shapes):
    net = caffe.Net(path, phase)
    assert sum(param.blob.count for param in net._graph.params) == parameters
    assert {name: net.blobs[name].shape for name in shapes} == shapes


def test_googlenet_has_two_side_losses_of_weight_0_3_in_training(inside):
    net = caffe.Net(GOOGLENET, caffe.TRAIN)
    weights = {n: round(w, 6) for n, w in net.blob_loss_weights.items() if w}
    assert weights == {"loss1/loss1": 0.3, "loss2/loss1": 0.3, "loss3/loss3": 1.0}


def test_the_two_towers_of_the_siamese_net_share_every_parameter(inside):
    net = caffe.Net(SIAMESE, caffe.TRAIN)
    for name in ("conv1", "conv2", "ip1", "ip2", "feat"):
        for one, other in zip(net.params[name], net.params[f"{name}_p"], strict=True):
            one.data[...] = 3
            assert (other.data == 3).all()


def test_net_surgery_makes_caffenet_fully_convolutional(inside):
    """As examples/net_surgery.ipynb: fc6 to fc8 as convolutions score 8 x 8 places at once."""
    full = caffe.Net("examples/net_surgery/bvlc_caffenet_full_conv.prototxt", caffe.TEST)
    assert full.blobs["prob"].shape == (1, 1000, 8, 8)
    shapes = {"fc6": (4096, 9216), "fc7": (4096, 4096), "fc8": (1000, 4096)}
    for name, shape in shapes.items():
        assert full.params[f"{name}-conv"][0].count == np.prod(shape)


def test_net_surgery_edits_a_filter(inside):
    net = caffe.Net("examples/net_surgery/conv.prototxt", caffe.TEST)
    net.blobs["data"].reshape(1, 1, 40, 30)
    net.reshape()
    assert net.blobs["conv"].shape == (1, 3, 36, 26)
    net.blobs["data"].data[...] = np.random.RandomState(0).rand(1, 1, 40, 30)
    net.params["conv"][1].data[0] = 1.0
    net.forward()
    with_bias = net.blobs["conv"].data.copy()
    net.params["conv"][1].data[0] = 0.0
    net.forward()
    moved = (with_bias - net.blobs["conv"].data).mean((0, 2, 3))
    np.testing.assert_allclose(moved, [1, 0, 0], atol=1e-6)


def test_batch_norm_with_three_params_is_not_learned(inside):
    net = caffe.Net("examples/cifar10/cifar10_full_sigmoid_train_test_bn.prototxt", caffe.TRAIN)
    rates = {p.name: (p.lr_mult, p.decay_mult) for p in net._graph.params if p.name[:2] == "bn"}
    assert rates == {f"bn{i}[{j}]": (0, 0) for i in (1, 2, 3) for j in range(3)}


@pytest.mark.parametrize(
    ("stage", "source"), [("test-on-train", "train_lmdb"), ("test-on-test", "test_lmdb")]
)
def test_stages_choose_the_autoencoders_data(inside, stage, source):
    net = caffe.Net(AUTOENCODER, caffe.TEST, stages=[stage])
    assert net._graph.spec.layer[0].data_param.source.endswith(source)
    assert net.outputs == ["cross_entropy_loss", "l2_error"]
