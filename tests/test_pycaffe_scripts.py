"""Scripts as they are written for pycaffe: its own tests (python/caffe/test), retold, and train.py.

They keep to pycaffe's calls and spelling; what each asserts is what BVLC's Caffe does.
"""

import os
import tempfile

import numpy as np
import pytest

import caffe
from caffe import layers as L
from caffe import params as P
from caffe.coord_map import crop


def written(text: str) -> str:
    with tempfile.NamedTemporaryFile(mode="w+", delete=False) as file:
        file.write(text)
    return os.path.abspath(file.name)


def simple_net_file(num_output: int) -> str:
    """Make a simple net prototxt, based on test_net.cpp, returning the name of its file."""
    return written(
        """name: 'testnet' force_backward: true
    layer { type: 'DummyData' name: 'data' top: 'data' top: 'label'
      dummy_data_param { num: 5 channels: 2 height: 3 width: 4
        num: 5 channels: 1 height: 1 width: 1
        data_filler { type: 'gaussian' std: 1 }
        data_filler { type: 'constant' } } }
    layer { type: 'Convolution' name: 'conv' bottom: 'data' top: 'conv'
      convolution_param { num_output: 11 kernel_size: 2 pad: 3
        weight_filler { type: 'gaussian' std: 1 }
        bias_filler { type: 'constant' value: 2 } }
        param { decay_mult: 1 } param { decay_mult: 0 }
        }
    layer { type: 'InnerProduct' name: 'ip' bottom: 'conv' top: 'ip_blob'
      inner_product_param { num_output: """
        + str(num_output)
        + """ weight_filler { type: 'gaussian' std: 2.5 }
        bias_filler { type: 'constant' value: -3 } } }
    layer { type: 'SoftmaxWithLoss' name: 'loss' bottom: 'ip_blob' bottom: 'label'
      top: 'loss' }"""
    )


NUM_OUTPUT = 13


@pytest.fixture
def net():
    net_file = simple_net_file(NUM_OUTPUT)
    net = caffe.Net(net_file, caffe.TRAIN)
    # fill in valid labels
    net.blobs["label"].data[...] = np.random.randint(NUM_OUTPUT, size=net.blobs["label"].data.shape)
    os.remove(net_file)
    return net


# test_net.py


def test_blobs_and_parameters_outlive_the_net(net):
    params = [p for ps in net.params.values() for p in ps]
    blobs = net.blobs.values()
    del net
    total = 0
    for p in params:
        total += p.data.sum() + p.diff.sum()
    for bl in blobs:
        total += bl.data.sum() + bl.diff.sum()
    assert np.isfinite(total)


def test_layer_dict(net):
    layer_dict = net.layer_dict
    assert list(layer_dict.keys()) == list(net._layer_names)
    for i, name in enumerate(net._layer_names):
        assert layer_dict[name].type == net.layers[i].type


def test_forward_start_end(net):
    conv_blob = net.blobs["conv"]
    ip_blob = net.blobs["ip_blob"]
    sample_data = np.random.uniform(size=conv_blob.data.shape)
    sample_data = sample_data.astype(np.float32)
    conv_blob.data[:] = sample_data
    forward_blob = net.forward(start="ip", end="ip")
    assert "ip_blob" in forward_blob
    manual_forward = []
    for i in range(0, conv_blob.data.shape[0]):
        dot = np.dot(net.params["ip"][0].data, conv_blob.data[i].reshape(-1))
        manual_forward.append(dot + net.params["ip"][1].data)
    manual_forward = np.array(manual_forward)
    np.testing.assert_allclose(ip_blob.data, manual_forward, rtol=1e-3, atol=1e-5)


def test_backward_start_end(net):
    conv_blob = net.blobs["conv"]
    ip_blob = net.blobs["ip_blob"]
    sample_data = np.random.uniform(size=ip_blob.data.shape)
    sample_data = sample_data.astype(np.float32)
    ip_blob.diff[:] = sample_data
    backward_blob = net.backward(start="ip", end="ip")
    assert "conv" in backward_blob
    manual_backward = []
    for i in range(0, conv_blob.data.shape[0]):
        dot = np.dot(net.params["ip"][0].data.transpose(), sample_data[i].reshape(-1))
        manual_backward.append(dot)
    manual_backward = np.array(manual_backward).reshape(conv_blob.data.shape)
    np.testing.assert_allclose(conv_blob.diff, manual_backward, rtol=1e-3, atol=1e-5)


def test_clear_param_diffs(net):
    net.forward()
    net.backward()
    diff = net.params["conv"][0].diff
    assert diff.max() > 0
    net.clear_param_diffs()
    assert (diff == 0).all()


def test_inputs_outputs(net):
    assert net.inputs == []
    assert net.outputs == ["loss"]


def test_top_bottom_names(net):
    tops = {"data": ["data", "label"], "conv": ["conv"], "ip": ["ip_blob"], "loss": ["loss"]}
    assert dict(net.top_names) == tops
    bottoms = {"data": [], "conv": ["data"], "ip": ["conv"], "loss": ["ip_blob", "label"]}
    assert dict(net.bottom_names) == bottoms


@pytest.mark.parametrize("hdf5", [False, True])
def test_save_and_read(net, tmp_path, hdf5):
    name = str(tmp_path / "saved")
    (net.save_hdf5 if hdf5 else net.save)(name)
    net_file = simple_net_file(NUM_OUTPUT)
    if hdf5:
        net2 = caffe.Net(net_file, caffe.TRAIN)
        net2.load_hdf5(name)
    else:
        caffe.Net(net_file, name, caffe.TRAIN)
        net2 = caffe.Net(net_file, caffe.TRAIN, weights=name)
    os.remove(net_file)
    for name in net.params:
        for i in range(len(net.params[name])):
            assert abs(net.params[name][i].data - net2.params[name][i].data).sum() == 0


STAGES = """name: 'testnet' force_backward: true
    layer { name: 'data' type: 'DummyData' top: 'data'
      dummy_data_param { shape { dim: 1 dim: 1 dim: 10 dim: 10 } } }
    layer { name: 'all' type: 'InnerProduct' bottom: 'data' top: 'all'
      inner_product_param { num_output: 1 } }
    layer { name: 'a' type: 'InnerProduct' bottom: 'data' top: 'a' include { stage: 'A' }
      inner_product_param { num_output: 1 } }
    layer { name: 'b' type: 'InnerProduct' bottom: 'data' top: 'b' include { stage: 'B' }
      inner_product_param { num_output: 1 } }
    layer { name: 'aorb' type: 'InnerProduct' bottom: 'data' top: 'aorb' include { stage: 'A' }
      include { stage: 'B' } inner_product_param { num_output: 1 } }
    layer { name: 'level1' type: 'InnerProduct' bottom: 'data' top: 'l' include { min_level: 1 }
      inner_product_param { num_output: 1 } }"""


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ({}, {"all"}),
        ({"stages": ["A"]}, {"all", "a", "aorb"}),
        ({"stages": ["B"]}, {"all", "b", "aorb"}),
        ({"stages": ["A", "B"], "level": 1}, {"all", "a", "b", "aorb", "level1"}),
    ],
)
def test_levels_and_stages(state, names):
    net_file = written(STAGES)
    net = caffe.Net(net_file, caffe.TEST, **state)
    assert set(net.params) == names
    os.remove(net_file)


# test_python_layer.py and test_python_layer_with_param_str.py


class SimpleLayer(caffe.Layer):
    """A layer that just multiplies by ten"""

    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = 10 * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 10 * top[0].diff


class SimpleParamLayer(SimpleLayer):
    """A layer that just multiplies by the numeric value of its param string"""

    def setup(self, bottom, top):
        try:
            self.value = float(self.param_str)
        except ValueError:
            raise ValueError("Parameter string must be a legible float") from None

    def forward(self, bottom, top):
        top[0].data[...] = self.value * bottom[0].data


class ExceptionLayer(caffe.Layer):
    """A layer for checking exceptions from Python"""

    def setup(self, bottom, top):
        raise RuntimeError


class ParameterLayer(caffe.Layer):
    """A layer that just multiplies by ten"""

    def setup(self, bottom, top):
        self.blobs.add_blob(1)
        self.blobs[0].data[0] = 0

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        pass

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[0] = 1


class PhaseLayer(caffe.Layer):
    """A layer for checking attribute `phase`"""

    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape()

    def forward(self, bottom, top):
        top[0].data[()] = self.phase


def python_net_file(*layers: str) -> str:
    head = """name: 'pythonnet' force_backward: true
      input: 'data' input_shape { dim: 10 dim: 9 dim: 8 }"""
    bottom = "data"
    for i, layer in enumerate(layers):
        name, _, text = layer.partition(" ")
        bottoms = "" if layer == "PhaseLayer" else f"bottom: '{bottom}'"
        bottom = ("one", "two", "three")[i]
        head += f"""
      layer {{ type: 'Python' name: '{bottom}' {bottoms} top: '{bottom}'
        python_param {{ module: '{__name__}' layer: '{name}' param_str: "{text}" }} }}"""
    return written(head)


def python_net(*layers: str, phase: int = caffe.TRAIN) -> caffe.Net:
    net_file = python_net_file(*layers)
    try:
        return caffe.Net(net_file, phase)
    finally:
        os.remove(net_file)


def test_python_forward_backward_and_reshape():
    net = python_net("SimpleLayer", "SimpleLayer", "SimpleLayer")
    x = 8
    net.blobs["data"].data[...] = x
    net.forward()
    for y in net.blobs["three"].data.flat:
        assert y == 10**3 * x
    x = 7
    net.blobs["three"].diff[...] = x
    net.backward()
    for y in net.blobs["data"].diff.flat:
        assert y == 10**3 * x
    s = 4
    net.blobs["data"].reshape(s, s, s, s)
    net.forward()
    for blob in net.blobs.values():
        for d in blob.data.shape:
            assert s == d


def test_python_param_str():
    net = python_net("SimpleParamLayer 10", "SimpleParamLayer 2")
    net.blobs["data"].data[...] = 8
    net.forward()
    assert (net.blobs["two"].data == 2 * 10 * 8).all()
    with pytest.raises(ValueError, match="must be a legible float"):
        python_net("SimpleParamLayer ten")


def test_python_exception():
    with pytest.raises(RuntimeError):
        python_net("ExceptionLayer")


def test_python_parameter(tmp_path):
    net = python_net("ParameterLayer")
    # Test forward and backward
    net.forward()
    net.backward()
    layer = net.layers[list(net._layer_names).index("one")]
    assert layer.blobs[0].data[0] == 0
    assert layer.blobs[0].diff[0] == 1
    layer.blobs[0].data[0] += layer.blobs[0].diff[0]
    assert layer.blobs[0].data[0] == 1
    # Test saving and loading
    net.save(str(tmp_path / "net"))
    layer.blobs[0].data[0] = -1
    assert layer.blobs[0].data[0] == -1
    net.copy_from(str(tmp_path / "net"))
    assert layer.blobs[0].data[0] == 1


@pytest.mark.parametrize("phase", [caffe.TRAIN, caffe.TEST])
def test_python_phase(phase):
    assert python_net("PhaseLayer", phase=phase).forward()["one"] == phase


def test_layer_type_list():
    for type_name in ["Data", "Convolution", "InnerProduct"]:
        assert type_name in caffe.layer_type_list()


# test_solver.py


@pytest.fixture
def solver(tmp_path, monkeypatch):
    net_f = simple_net_file(NUM_OUTPUT)
    monkeypatch.chdir(tmp_path)
    solver_f = written(
        f"net: '{net_f}'"
        """
        test_iter: 2 test_interval: 10 base_lr: 0.01 momentum: 0.9
        weight_decay: 0.0005 lr_policy: 'inv' gamma: 0.0001 power: 0.75
        display: 20 max_iter: 20 snapshot_after_train: false
        snapshot_prefix: "model" """
    )
    solver = caffe.SGDSolver(solver_f)
    # also make sure get_solver runs
    caffe.get_solver(solver_f)
    # fill in valid labels
    for net in [solver.net, solver.test_nets[0]]:
        labels = net.blobs["label"].data
        labels[...] = np.random.randint(NUM_OUTPUT, size=labels.shape)
    os.remove(solver_f)
    os.remove(net_f)
    return solver


def test_solve(solver):
    assert solver.iter == 0
    solver.solve()
    assert solver.iter == 20


def test_apply_update(solver):
    net = solver.net
    data = net.layers[1].blobs[0].data[...]
    # Reset the weights of that layer to 0
    data[...] = 0
    net.layers[1].blobs[0].diff[...] = 1
    # Apply the update, the initial learning rate should be 0.01
    solver.apply_update()
    # Check that the new weights are -0.01, with a precision of 1e-7
    assert abs(data - -0.01 * np.ones(data.shape)).max() < 1e-7


def test_nets_outlive_the_solver(solver):
    nets = [solver.net, *list(solver.test_nets)]
    assert len(nets) == 2
    del solver
    total = 0
    for net in nets:
        for ps in net.params.values():
            for p in ps:
                total += p.data.sum() + p.diff.sum()
        for bl in net.blobs.values():
            total += bl.data.sum() + bl.diff.sum()
    assert np.isfinite(total)


def test_snapshot(solver):
    solver.snapshot()
    for fn in ["model_iter_0.caffemodel", "model_iter_0.solverstate"]:
        assert os.path.exists(fn)


# test_net_spec.py


def lenet(batch_size):
    n = caffe.NetSpec()
    n.data, n.label = L.DummyData(
        shape=[dict(dim=[batch_size, 1, 28, 28]), dict(dim=[batch_size, 1, 1, 1])],
        transform_param=dict(scale=1.0 / 255),
        ntop=2,
    )
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"))
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.conv2 = L.Convolution(
        n.pool1, kernel_size=5, num_output=50, weight_filler=dict(type="xavier")
    )
    n.pool2 = L.Pooling(n.conv2, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.ip1 = L.InnerProduct(n.pool2, num_output=500, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.ip1, in_place=True)
    n.ip2 = L.InnerProduct(n.relu1, num_output=10, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.ip2, n.label)
    return n.to_proto()


def anon_lenet(batch_size):
    data, label = L.DummyData(
        shape=[dict(dim=[batch_size, 1, 28, 28]), dict(dim=[batch_size, 1, 1, 1])], ntop=2
    )
    conv1 = L.Convolution(data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"))
    pool1 = L.Pooling(conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    ip1 = L.InnerProduct(pool1, num_output=10, weight_filler=dict(type="xavier"))
    relu1 = L.ReLU(ip1, in_place=True)
    loss = L.SoftmaxWithLoss(relu1, label)
    return loss.to_proto()


def silent_net():
    n = caffe.NetSpec()
    n.data, n.data2 = L.DummyData(shape=dict(dim=3), ntop=2)
    n.silence_data = L.Silence(n.data, ntop=0)
    n.silence_data2 = L.Silence(n.data2, ntop=0)
    return n.to_proto()


@pytest.mark.parametrize(
    ("proto", "layers"), [(lenet(50), 9), (anon_lenet(50), 6), (silent_net(), 3)]
)
def test_net_spec(proto, layers):
    # ... and its textual representation is read as the net it was made for
    net_file = written(str(proto))
    net = caffe.Net(net_file, caffe.TEST)
    os.remove(net_file)
    assert len(net.layers) == layers
    net.forward()


# test_coord_map.py


def test_crop_of_a_convolution_and_its_deconvolution():
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 1, 100, 100]))
    n.conv = L.Convolution(n.data, num_output=10, kernel_size=2, stride=2, pad=0)
    n.deconv = L.Deconvolution(
        n.conv, convolution_param=dict(num_output=10, kernel_size=4, stride=2, pad=0)
    )
    n.crop = crop(n.deconv, n.data)
    (last,) = [layer for layer in n.to_proto().layer if layer.type == "Crop"]
    assert list(last.crop_param.offset) == [1]


# test_nccl.py and examples/python/train.py


def test_new_uid():
    if caffe.has_nccl():
        caffe.NCCL.new_uid()


def test_train_py_times_every_layer(tmp_path, monkeypatch):
    """The function `time` of train.py, without the NCCL object."""
    logged = []
    monkeypatch.setattr(caffe, "log", logged.append)
    solver_file = written(
        f"net: '{simple_net_file(3)}' base_lr: 0.01 lr_policy: 'fixed' display: 2 "
        f"max_iter: 4 snapshot_after_train: false snapshot_prefix: '{tmp_path}/x'"
    )
    caffe.set_solver_count(1)
    caffe.set_solver_rank(0)
    caffe.set_multiprocess(False)
    solver = caffe.SGDSolver(solver_file)
    fprop = []
    bprop = []
    total = caffe.Timer()
    allrd = caffe.Timer()
    for _ in range(len(solver.net.layers)):
        fprop.append(caffe.Timer())
        bprop.append(caffe.Timer())
    display = solver.param.display

    def show_time():
        if solver.iter % display == 0:
            s = "\n"
            for i in range(len(solver.net.layers)):
                s += f"forw {i:3d} {solver.net._layer_names[i]:>8s} "
                s += f": {fprop[i].ms:.2f}\n"
            for i in range(len(solver.net.layers) - 1, -1, -1):
                s += f"back {i:3d} {solver.net._layer_names[i]:>8s} "
                s += f": {bprop[i].ms:.2f}\n"
            s += f"solver total: {total.ms:.2f}\n"
            s += f"allreduce: {allrd.ms:.2f}\n"
            caffe.log(s)

    solver.net.before_forward(lambda layer: fprop[layer].start())
    solver.net.after_forward(lambda layer: fprop[layer].stop())
    solver.net.before_backward(lambda layer: bprop[layer].start())
    solver.net.after_backward(lambda layer: bprop[layer].stop())
    solver.add_callback(lambda: total.start(), lambda: (total.stop(), allrd.start()))
    solver.add_callback(lambda: None, lambda: (allrd.stop(), show_time()))
    solver.step(solver.param.max_iter)
    assert len(logged) == 2
    assert "forw   1     conv : " in logged[0]
    assert "back   3     loss : " in logged[0]
