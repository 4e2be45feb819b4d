"""Each kind of file of weights becomes a caffemodel that gives the source's own scores."""

import pickle
from collections import OrderedDict
from contextlib import suppress

import h5py
import numpy as np
import pytest
import scipy.io
import torch
from safetensors.torch import save_file
from support.filled_nets import build
from support.fuzzing import FUZZ_INPUTS, mutations
from support.torch_nets import FCN, VGG16, by_tensorflow, drawn, vgg_arrays, vgg_names

import caffe
import nets
from data.weight_sources import TORCHVISION, VGG, VGG_RGB, Input
from surgery.compare_layers import fill
from surgery.readers import READERS, read_layers
from surgery.readers.deep_compression import read_compressed, squeezenet_shapes
from surgery.sources import read_for_caffe
from surgery.torch_names import TABLES

WIDTH, CLASSES = 1 / 32, 7
IMAGE = np.random.RandomState(0).randint(0, 256, (224, 224, 3)).astype(np.uint8)  # R, G, B


@pytest.fixture(scope="module")
def vgg():
    return drawn(VGG16(WIDTH, CLASSES))


def seen_as(seen, image):
    """(1, 3, H, W) float32: an (H, W, 3) RGB image as the net of the source sees it."""
    bgr = (image[:, :, ::-1].astype(np.float64) - seen.mean) / seen.std
    ordered = bgr if seen.channels == "bgr" else bgr[:, :, ::-1]
    return torch.tensor(ordered.transpose(2, 0, 1)[None].copy(), dtype=torch.float32)


def caffe_scores(net, mean, image):
    data = net.blobs["data"]
    data.reshape(1, 3, *image.shape[:2])
    data.data[0] = (image[:, :, ::-1] - np.array(mean)).transpose(2, 0, 1)
    net.forward()
    return net.blobs["fc8" if "fc8" in net.blobs else "score"].data


def assert_gives(path, given, expected, image=IMAGE, spec=None):
    """The file's caffemodel gives the expected scores of the image, less the mean that is said."""
    layers, seen = read_for_caffe(path, given)
    spec = spec or nets.classifier("deploy", classes=CLASSES, width=WIDTH)
    filled = build(spec)
    fill(filled, layers)
    filled.save(path.with_suffix(".caffemodel"))
    net = build(spec)
    net.copy_from(path.with_suffix(".caffemodel"))
    found = caffe_scores(net, seen.mean, image)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * abs(expected).max())
    assert abs(expected).max() > 0.01


def scores_of(net, seen, image=IMAGE):
    with torch.no_grad():
        return net(seen_as(seen, image)).numpy()


# ---- TensorFlow's layout: Keras, npz, npy ----


def for_tensorflow(net):
    """(height, width, in, out) and (in, out), fc6's inputs counted by height, width, channel."""
    stored = OrderedDict()
    for name, (weights, biases) in vgg_arrays(net).items():
        if name == "fc6":
            weights = weights.reshape(len(weights), -1, 7, 7)
            weights = weights.transpose(2, 3, 1, 0).reshape(-1, len(weights))
        else:
            weights = weights.transpose(2, 3, 1, 0) if weights.ndim == 4 else weights.T
        stored[name] = (np.ascontiguousarray(weights), biases)
    return stored


def keras_names(top):
    names = [f"block{name[4]}_conv{name[6]}" for name in vgg_names()[:13]]
    return [*names, *(["fc1", "fc2", "predictions"] if top else [])]


def write_keras(path, stored, top=True, nested=False):
    """As Keras 1 wrote VGG16's file, or as save() of Keras 2 does (`nested`)."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if nested else file
        layers = {"input_1": (), **dict(zip(keras_names(top), stored.values(), strict=False))}
        root.attrs["layer_names"] = [name.encode() for name in [*layers, "flatten"]]
        root.create_group("flatten").attrs["weight_names"] = []
        for name, arrays in layers.items():
            kinds = ("kernel:0", "bias:0") if nested else ("W_1:0", "b_1:0")
            keys = [f"{name}/{kind}" if nested else f"{name}_{kind}" for kind in kinds]
            group = root.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in keys[: len(arrays)]]
            for key, array in zip(keys, arrays, strict=False):
                group[key] = array


@pytest.mark.parametrize("nested", [False, True])
def test_keras_h5(vgg, tmp_path, nested):
    stored = for_tensorflow(vgg)
    write_keras(tmp_path / "a.h5", stored, nested=nested)
    expected = by_tensorflow(stored, seen_as(VGG, IMAGE).permute(0, 2, 3, 1))
    assert_gives(tmp_path / "a.h5", VGG, expected)


def test_keras_h5_without_its_top_has_the_convolutions(vgg, tmp_path):
    stored = for_tensorflow(vgg)
    write_keras(tmp_path / "notop.h5", stored, top=False)
    layers = read_layers(tmp_path / "notop.h5")
    assert list(layers) == vgg_names()[:13]
    for name, arrays in vgg_arrays(vgg).items():
        for found, expected in zip(layers.get(name, ()), arrays, strict=False):
            np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="layers missing: fc6, fc7, fc8; left over: none"):
        fill(build(nets.classifier("deploy", classes=CLASSES, width=WIDTH)), layers)


def test_caffes_own_hdf5_is_told_from_keras(vgg, tmp_path):
    net = build(nets.classifier("deploy", classes=CLASSES, width=WIDTH))
    net.save(tmp_path / "a.caffemodel.h5")
    net.save(tmp_path / "a.caffemodel")
    found, expected = (read_layers(tmp_path / name) for name in ("a.caffemodel.h5", "a.caffemodel"))
    assert found.keys() == expected.keys()
    np.testing.assert_array_equal(found["fc6"][0], expected["fc6"][0])


def test_npz(vgg, tmp_path):
    stored = for_tensorflow(vgg)
    pairs = {
        f"{n}_{k}": a for n, arrays in stored.items() for k, a in zip("Wb", arrays, strict=True)
    }
    np.savez(tmp_path / "a.npz", **pairs)
    expected = by_tensorflow(stored, seen_as(VGG_RGB, IMAGE).permute(0, 2, 3, 1))
    assert_gives(tmp_path / "a.npz", VGG_RGB, expected)


def test_npy_of_a_dict(vgg, tmp_path):
    """vgg16.npy is a dict that Python 2 pickled, with numpy of that time."""
    stored = for_tensorflow(vgg)
    array = np.array({name: list(arrays) for name, arrays in stored.items()}, object)
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        text = pickle.dumps(array, 2)  # module names end in newlines
        file.write(text.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    expected = by_tensorflow(stored, seen_as(VGG, IMAGE).permute(0, 2, 3, 1))
    assert_gives(tmp_path / "a.npy", VGG, expected)


def test_npy_as_numpy_saves_it_today(vgg, tmp_path):
    stored = for_tensorflow(vgg)
    np.save(tmp_path / "a.npy", {name: list(arrays) for name, arrays in stored.items()})
    assert list(read_layers(tmp_path / "a.npy")) == vgg_names()


class Calls:
    """What unpickling would call."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("name", ["a.npy", "a.pth"])
def test_no_code_in_a_file_is_run(tmp_path, name):
    bad = {"conv1_1": [Calls(tmp_path / "run"), np.zeros(1)]}
    if name == "a.npy":
        np.save(tmp_path / name, bad)
    else:
        torch.save(bad, tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name}: (calls io\.open|.* would run code)"):
        read_layers(tmp_path / name)
    assert not (tmp_path / "run").exists()


# ---- torch ----


def timm(state):
    """The state_dict of torchvision's VGG16 as timm has it: its Linears are convolutions."""
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2"}
    renamed = {}
    for key, value in state.items():
        module, _, kind = key.rpartition(".")
        if module in names and kind == "weight":
            side = 7 if module == "classifier.0" else 1
            value = value.reshape(len(value), -1, side, side)
        new = names.get(module, module).replace("classifier.6", "head.fc")
        renamed[f"{new}.{kind}"] = value.contiguous()
    return renamed


def test_torchvision_pth(vgg, tmp_path):
    torch.save(vgg.state_dict(), tmp_path / "a.pth")
    assert_gives(tmp_path / "a.pth", TORCHVISION, scores_of(vgg, TORCHVISION))


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_the_vgg_of_caffe_in_torch(tmp_path, suffix):
    """jcjohnson's and pytorch-fcn's: saved before torch had zip files; the older module numbers."""
    net = drawn(VGG16(WIDTH, CLASSES, old=True))
    path = tmp_path / f"a.{suffix}"
    if suffix == "pth":
        torch.save(net.state_dict(), path, _use_new_zipfile_serialization=False)
    else:
        save_file(net.state_dict(), path)
    assert_gives(path, VGG, scores_of(net, VGG))


def test_timm_safetensors(vgg, tmp_path):
    save_file(timm(vgg.state_dict()), tmp_path / "a.safetensors")
    assert_gives(tmp_path / "a.safetensors", TORCHVISION, scores_of(vgg, TORCHVISION))


SMALL = IMAGE[:40, :52]
NETS = {"fcn32s": (), "fcn16s": (1,), "fcn8s": (1, 1), "fcn8s-atonce": (0.01, 0.0001)}
BGR = Input("bgr", (104, 117, 123))


@pytest.mark.parametrize("name", NETS)
def test_the_fcns_of_pytorch_fcn(tmp_path, name):
    net = drawn(FCN(WIDTH, CLASSES, NETS[name]))
    torch.save(net.state_dict(), tmp_path / "a.pth")
    spec = nets.fcn(name, "deploy", classes=CLASSES, data=None, width=WIDTH)
    assert_gives(tmp_path / "a.pth", BGR, scores_of(net, BGR, SMALL), SMALL, spec)


# ---- MatConvNet ----


def bank(weights):
    """(height, width, in, out) of (out, in, height, width)."""
    return weights.transpose(2, 3, 1, 0)


def simple(net, fields):
    """The cell `layers` of a VGG16: every layer a struct, fully connected ones convolutions."""
    layers = []
    for name, (weights, biases) in vgg_arrays(net).items():
        side = {"fc6": 7, "fc7": 1, "fc8": 1}.get(name, 3)
        filters = bank(weights.reshape(len(weights), -1, side, side))
        layer = {"type": "conv", "name": name, "pad": np.ones((1, 4)), "stride": np.ones((1, 2))}
        if fields:
            layers.append({**layer, "filters": filters, "biases": biases[None]})
        else:
            cell = np.empty((1, 2), object)
            cell[0, 0], cell[0, 1] = filters, biases[:, None]
            layers.append({**layer, "weights": cell})
        layers.append({"type": "relu", "name": f"relu_{name}"})
    cell = np.empty((1, len(layers)), object)
    cell[0] = layers
    return {"layers": cell, "meta": {"classes": {"name": "text"}}}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("fields", [False, True])
def test_matconvnet_simplenn(vgg, tmp_path, fields, compressed):
    scipy.io.savemat(tmp_path / "a.mat", simple(vgg, fields), do_compression=compressed)
    assert_gives(tmp_path / "a.mat", VGG_RGB, scores_of(vgg, VGG_RGB))


class Mat73:
    """Writes a value as MATLAB 7.3 does: cells and arrays of structs refer to `#refs#`."""

    def __init__(self, path, variables):
        with h5py.File(path, "w", userblock_size=512) as self.file:
            self.refs = self.file.create_group("#refs#")
            for name, value in variables.items():
                self.put(self.file, name, value)
        with open(path, "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")

    def put(self, group, name, value):
        if isinstance(value, dict):
            item = group.create_group(name)
            for key, part in value.items():
                self.put(item, key, part)
            kind = "struct"
        elif isinstance(value, str):
            item = group.create_dataset(name, data=np.array([[ord(c)] for c in value], "u2"))
            kind = "char"
        elif isinstance(value, list):  # an array of structs
            item = group.create_group(name)
            for key in value[0]:
                item[key] = self.references([struct[key] for struct in value])
            kind = "struct"
        elif value.dtype == object:
            item = group.create_dataset(name, data=self.references(value.ravel()))
            kind = "cell"
        else:
            item, kind = group.create_dataset(name, data=value.T), "single"
        item.attrs["MATLAB_class"] = np.bytes_(kind)

    def references(self, values):
        found = np.empty((len(values), 1), h5py.ref_dtype)
        for i, value in enumerate(values):
            name = str(len(self.refs))
            self.put(self.refs, name, value)
            found[i, 0] = self.refs[name].ref
        return found


def test_matconvnet_simplenn_of_matlab_7_3(vgg, tmp_path):
    Mat73(tmp_path / "a.mat", simple(vgg, False))
    assert_gives(tmp_path / "a.mat", VGG_RGB, scores_of(vgg, VGG_RGB))


# What MatConvNet's files call the upsampling, which the nets of 2014 gave biases
OF_2014 = {
    "fcn32s": {"upscore": "upsample"},
    "fcn16s": {"upscore2": "score2", "upscore16": "upsample"},
    "fcn8s": {"upscore2": "score2", "upscore_pool4": "score4", "upscore8": "upsample"},
}


def dag(net, names, suffixes):
    """`params` of an FCN: structs with the fields name and value; upsampling has biases here."""
    params, convolutions = [], dict(net.named_children())
    for name, module in convolutions.items():
        stored = names.get(name, name)
        params.append((stored + suffixes[0], bank(module.weight.detach().numpy())))
        biases = np.zeros(module.out_channels) if module.bias is None else module.bias.tolist()
        params.append((stored + suffixes[1], np.array(biases, np.float32)[:, None]))
    return [{"name": name, "value": value} for name, value in params]


@pytest.mark.parametrize("version", [5, 7.3])
@pytest.mark.parametrize("name", OF_2014)
def test_matconvnet_dagnn(tmp_path, name, version):
    net = drawn(FCN(WIDTH, CLASSES, NETS[name]))
    suffixes = ("_filter", "_bias") if version == 5 else ("f", "b")
    params = dag(net, OF_2014[name], suffixes)
    if version == 5:
        structs = np.array(
            [[(p["name"], p["value"]) for p in params]], [("name", object), ("value", object)]
        )
        scipy.io.savemat(tmp_path / "a.mat", {"params": structs, "vars": "text"})
    else:
        Mat73(tmp_path / "a.mat", {"params": params, "vars": "text"})
    spec = nets.fcn(name, "deploy", classes=CLASSES, data=None, width=WIDTH)
    rgb = Input("rgb", (104, 117, 123))
    assert_gives(tmp_path / "a.mat", rgb, scores_of(net, rgb, SMALL), SMALL, spec)


def test_the_bias_of_an_upsampling_goes_to_what_it_is_added_to(tmp_path):
    """As the FCN-8s of 2014 has it; at the end nothing is added, and a bias is refused."""
    net = drawn(FCN(WIDTH, CLASSES, (1, 1)))
    params = {p["name"]: p["value"] for p in dag(net, OF_2014["fcn8s"], ("_filter", "_bias"))}
    for name, to in (("score2", net.score_pool4), ("score4", net.score_pool3)):
        params[f"{name}_bias"][:] = np.arange(CLASSES)[:, None]
        with torch.no_grad():  # the upsampled scores are added to these
            to.bias += torch.arange(CLASSES)
    types = [("name", object), ("value", object)]

    def save(params):
        structs = np.array([[*params.items()]], object)
        structs = np.array([[tuple(pair) for pair in structs[0]]], types)
        scipy.io.savemat(tmp_path / "a.mat", {"params": structs})

    save(params)
    spec = nets.fcn("fcn8s", "deploy", classes=CLASSES, data=None, width=WIDTH)
    assert_gives(tmp_path / "a.mat", BGR, scores_of(net, BGR, SMALL), SMALL, spec)
    params["upsample_bias"][0] = 0.5
    save(params)
    with pytest.raises(ValueError, match=r"a\.mat: layer upsample upsamples with a bias"):
        read_layers(tmp_path / "a.mat")


# ---- the compressed SqueezeNet ----


def compressed(layers):
    """A net compressed as the authors of SqueezeNet did: at most 255 values and zero a layer."""
    counts, parts = [], []
    for weights, biases in layers.values():
        flat = weights.ravel()
        codebook = np.concatenate([[0], np.setdiff1d(flat, [0])])
        codes, zeros, last = [], [], -1
        for at in np.flatnonzero(flat):
            while at - last > 16:  # a stored zero, 15 after the last
                codes, zeros, last = [*codes, 0], [*zeros, 15], last + 16
            codes.append(int(np.searchsorted(codebook[1:], flat[at])) + 1)
            zeros.append(at - last - 1)
            last = at
        counts.append(len(codes))
        halves = np.array([*zeros, 0][: len(zeros) + len(zeros) % 2], np.uint8).reshape(-1, 2)
        parts += [np.resize(codebook, 256).astype("<f4"), biases.astype("<f4")]
        parts += [np.array(codes, np.uint8), halves[:, 0] | halves[:, 1] << 4]
    return b"".join(part.tobytes() for part in [np.array(counts, "<u4"), *parts])


def pruned(shapes, seed=0):
    """Weights of these shapes, nine of ten zero, of at most 200 values a layer."""
    rng = np.random.RandomState(seed)
    layers = {}
    for name, shape in shapes.items():
        values = rng.standard_normal(200).astype(np.float32)
        weights = rng.choice(values, shape) * (rng.rand(*shape) < 0.1)
        layers[name] = [
            weights.astype(np.float32),
            rng.standard_normal(shape[0]).astype(np.float32),
        ]
    return layers


def test_a_compressed_net(tmp_path):
    shapes = {"conv1": (6, 3, 7, 7), "fire2/conv1x1_1": (5, 6, 1, 1), "conv_final": (7, 5, 3, 3)}
    layers = pruned(shapes)
    (tmp_path / "a.net").write_bytes(compressed(layers))
    found = read_compressed(tmp_path / "a.net", shapes)
    assert found.keys() == layers.keys()
    for name in layers:
        for a, b in zip(found[name], layers[name], strict=True):
            np.testing.assert_array_equal(a, b)
    data = (tmp_path / "a.net").read_bytes()
    for wrong in (data[:-1], data + b"\0", data[: len(data) // 2]):
        (tmp_path / "b.net").write_bytes(wrong)
        with pytest.raises(ValueError, match=r"(ends after|has) \d+ bytes"):
            read_compressed(tmp_path / "b.net", shapes)


def test_squeezenet_has_the_published_number_of_weights():
    shapes = squeezenet_shapes()
    assert len(shapes) == 26
    assert sum(int(np.prod(s)) + s[0] for s in shapes.values()) == 1_248_424


# ---- other files ----


def test_a_file_of_no_kind_of_weights_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a\.zip: the name ends in \.zip.*\.caffemodel, \.h5"):
        read_layers(tmp_path / "a.zip")


@pytest.mark.parametrize("suffix", [s for s in READERS if s != ".caffemodel"])
def test_an_error_page_under_the_name_is_one_error(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("<!DOCTYPE html><html>moved" * 100)
    with pytest.raises((ValueError, caffe.CaffeError), match=rf"a\{suffix}: "):
        read_layers(path)


def test_other_contents_are_one_error(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"labels": np.eye(3)})
    np.savez(tmp_path / "a.npz", x=np.eye(3))
    np.save(tmp_path / "a.npy", np.eye(3))
    np.save(tmp_path / "b.npy", {"a": 1})
    torch.save({"epoch": 1, "model_state_dict": {}}, tmp_path / "a.pth")
    torch.save({"fc.weight": torch.eye(3)}, tmp_path / "b.pth")
    h5py.File(tmp_path / "a.h5", "w").create_group("layers")
    for name, message in (
        ("a.mat", "holds labels; expected layers or params"),
        ("a.npz", "holds x; expected NAME_W and NAME_b"),
        ("a.npy", "an array of shape .* expected one dict"),
        ("b.npy", "holds a dict; expected a dict of arrays by layer"),
        ("a.pth", "holds epoch, model_state_dict; expected tensors by name"),
        ("b.pth", "modules missing: .* and .* more; not in the table: fc"),
        ("a.h5", "holds layers; expected Keras' layer_names"),
    ):
        with pytest.raises(ValueError, match=f"{name}: {message}"):
            read_layers(tmp_path / name)


# ---- damaged files ----


def tiny(folder):
    """A VGG16 of two channels in each kind of file."""
    rng = np.random.RandomState(0)
    stored = {name: (rng.rand(3, 3, 2, 2), rng.rand(2)) for name in vgg_names()[:13]}
    stored |= {f"fc{i}": (rng.rand(98 if i == 6 else 2, 2), rng.rand(2)) for i in (6, 7, 8)}
    stored["conv1_1"] = (rng.rand(3, 3, 3, 2), rng.rand(2))
    stored = {n: [a.astype(np.float32) for a in arrays] for n, arrays in stored.items()}
    write_keras(folder / "a.h5", stored)
    pairs = {f"{n}_{k}": a for n, two in stored.items() for k, a in zip("Wb", two, strict=True)}
    np.savez(folder / "a.npz", **pairs)
    np.save(folder / "a.npy", stored)
    state = {}
    for module, arrays in zip(TABLES["vgg16 of torchvision"], stored.values(), strict=True):
        tensors = [torch.tensor(array.T.copy()) for array in arrays]
        state |= dict(zip((f"{module}.weight", f"{module}.bias"), tensors, strict=True))
    torch.save(state, folder / "a.pth")
    save_file(state, folder / "a.safetensors")
    cell = np.empty((1, len(stored)), object)
    for i, (name, arrays) in enumerate(stored.items()):
        inner = np.empty((1, 2), object)
        inner[0] = arrays
        cell[0, i] = {"type": "conv", "name": name, "weights": inner}
    scipy.io.savemat(folder / "a.mat", {"layers": cell})
    Mat73(folder / "b.mat", {"layers": cell})


@pytest.mark.fuzz
def test_damaged_files_are_errors_of_the_users(tmp_path):
    tiny(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        assert "fc6" in read_layers(path)
        damaged = tmp_path / f"damaged{path.suffix}"
        for contents in mutations(path.read_bytes(), 1, FUZZ_INPUTS // 20):
            damaged.write_bytes(contents)
            with suppress(ValueError, caffe.CaffeError):
                read_layers(damaged)
        damaged.unlink()
