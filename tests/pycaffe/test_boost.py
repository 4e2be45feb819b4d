"""What scripts see of BVLC's C++ wrapper: its modules, vectors, classes, refusals and pickles."""

import copy
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from support.net_text import input_layer, net_of

import caffe
from caffe.proto import caffe_pb2

IP = 'inner_product_param { num_output: 2 weight_filler { type: "xavier" } }'
TEXT = (
    input_layer("data", 2, 3)
    + f'layer {{ name: "ip" type: "InnerProduct" bottom: "data" top: "ip" {IP} }}'
    + 'layer { name: "py" type: "Python" bottom: "ip" top: "py" '
    + f'python_param {{ module: "{__name__}" layer: "Spy" }} }}'
)


class Spy(caffe.Layer):
    def setup(self, bottom, top):
        self.seen = {"setup": (type(bottom), type(top))}
        self.blobs.add_blob(3)

    def reshape(self, bottom, top):
        self.seen["reshape"] = (type(bottom), type(top))
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        self.seen["forward"] = (type(bottom), type(top))

    def backward(self, top, propagate_down, bottom):
        self.seen["backward"] = (type(top), type(propagate_down), type(bottom))


@pytest.fixture(scope="module")
def solver():
    param = caffe_pb2.SolverParameter(base_lr=0.1, lr_policy="fixed", test_iter=[1])
    param.test_interval = 1
    param.net_param.CopyFrom(parsed("force_backward: true " + TEXT))
    return caffe.SGDSolver(param)


def parsed(text):
    return text_format.Parse(text, caffe_pb2.NetParameter())


VECTORS = "BlobVec RawBlobVec LayerVec StringVec IntVec DtypeVec NetVec BoolVec"
CLASSES = "Net Blob Layer LayerParameter SolverParameter Solver SGDSolver NCCL Timer"


@pytest.mark.parametrize("name", f"{VECTORS} {CLASSES}".split())
def test_the_wrappers_classes_are_there(name):
    assert isinstance(getattr(caffe._caffe, name), type)
    assert name in dir(caffe._caffe)


def test_both_halves_are_there_after_import_caffe():
    code = (
        "import caffe; caffe._caffe.BlobVec; caffe.pycaffe._Net_forward; print(caffe.__version__)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(caffe.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"{caffe._caffe.__version__}\n"


ATTACHED = (
    "blobs blob_loss_weights layer_dict params inputs outputs forward backward forward_all "
    "forward_backward_all set_input_arrays"
)


@pytest.mark.parametrize(
    ("function", "attribute"),
    [
        *((f"_Net_{name}", name) for name in ATTACHED.split()),
        ("_Net_batch", "_batch"),
    ],
)
def test_the_python_halfs_functions_are_the_nets(function, attribute):
    assert getattr(caffe.pycaffe, function) is getattr(caffe.Net, attribute)


def test_a_batch_is_filled_up_with_zeros():
    net = net_of(input_layer("data", 2, 3))
    batches = list(caffe.pycaffe._Net_batch(net, {"data": np.ones((3, 3))}))
    assert [b["data"].tolist() for b in batches] == [[[1] * 3] * 2, [[1] * 3, [0] * 3]]
    assert list(net._batch({})) == []


def test_types_are_the_wrappers(solver):
    net, c = solver.net, caffe._caffe
    assert type(net.params["ip"]) is type(net.layers[1].blobs) is c.BlobVec
    assert type(net._blobs) is c.BlobVec
    assert type(net.layers) is c.LayerVec
    assert type(net._layer_names) is type(net._blob_names) is c.StringVec
    assert type(net._inputs) is type(net._outputs) is type(net._top_ids(1)) is c.IntVec
    assert type(net._bottom_ids(1)) is c.IntVec
    assert type(net._blob_loss_weights) is c.DtypeVec
    assert type(solver.test_nets) is c.NetVec
    assert type(caffe.layer_type_list()) is c.StringVec
    assert type(solver.test_nets[0]) is type(net) is c.Net is caffe.Net
    assert isinstance(solver.param, c.SolverParameter)
    assert isinstance(net.blobs, OrderedDict)
    assert isinstance(net.params, OrderedDict)
    assert net.params is net.params
    assert all(isinstance(layer, caffe.Layer) for layer in net.layers)
    assert all(isinstance(layer, c.Layer) for layer in net.layer_dict.values())
    assert type(net.layer_dict["py"]) is Spy


def test_a_python_layer_is_given_vectors(solver):
    c = caffe._caffe
    solver.net.forward()
    solver.net.backward()
    raw = c.RawBlobVec
    assert solver.net.layers[-1].seen == {
        "setup": (raw, raw),
        "reshape": (raw, raw),
        "forward": (raw, raw),
        "backward": (raw, c.BoolVec, raw),
    }


def test_every_solver_is_an_sgdsolver_as_in_bvlcs_class_tree():
    """sgd_solvers.hpp derives each from SGDSolver; boost's bases<> name Solver alone."""
    names = "SGD Nesterov AdaGrad RMSProp AdaDelta Adam"
    for name in names.split():
        param = caffe_pb2.SolverParameter(type=name, base_lr=0.1, lr_policy="fixed", delta=1e-8)
        param.net_param.CopyFrom(parsed(input_layer("data", 2, 3)))
        if name in ("RMSProp", "AdaGrad"):
            param.momentum = 0
        solver = caffe.get_solver(param)
        assert type(solver) is getattr(caffe, f"{name}Solver")
        assert isinstance(solver, caffe._caffe.Solver)
        assert isinstance(solver, caffe.SGDSolver)


# What cannot be assigned.

ARRAY = np.ones((2, 3), np.float32)


def assign(thing, name):
    return lambda net, solver: setattr(thing(net, solver), name, ARRAY)


def put(thing, key, value=ARRAY):
    return lambda net, solver: thing(net, solver).__setitem__(key, value)


def blob(net, solver):
    return net.blobs["data"]


def ip(net, solver):
    return net.params["ip"]


@pytest.mark.parametrize(
    ("do", "kind", "cure"),
    [
        (assign(blob, "data"), AttributeError, r"\.data\[\.\.\.\] = array"),
        (assign(blob, "diff"), AttributeError, r"\.diff\[\.\.\.\] = array"),
        (assign(blob, "shape"), AttributeError, r"reshape\(\*shape\)"),
        (put(ip, 0), TypeError, r"BlobVec takes no ndarray; .*\.data\[\.\.\.\] = array"),
        (put(ip, slice(0, 2), [ARRAY, ARRAY]), TypeError, r"\.data\[\.\.\.\]"),
        (lambda net, solver: ip(net, solver).append(ARRAY), TypeError, r"\.data\[\.\.\.\]"),
        (lambda net, solver: ip(net, solver).extend([ARRAY]), TypeError, r"\.data\[\.\.\.\]"),
        (lambda net, solver: ip(net, solver).insert(0, 1), TypeError, "BlobVec takes no int"),
        (put(lambda net, solver: net.layers[1].blobs, 0), TypeError, r"\.data\[\.\.\.\]"),
        (put(lambda net, solver: net.layers[-1].blobs, 0), TypeError, r"\.data\[\.\.\.\]"),
        (put(lambda net, solver: net.blobs, "data"), TypeError, r"net\.blobs\['data'\]\.data\["),
        (put(lambda net, solver: net.blobs, "new"), TypeError, r"\.data\[\.\.\.\] = array"),
        (lambda net, solver: net.blobs.update(ip=ARRAY), TypeError, r"net\.blobs\['ip'\]\.data"),
        (put(lambda net, solver: net.params, "ip"), TypeError, r"net\.params\['ip'\]\[0\]\.data"),
        (
            lambda net, solver: net.params.update(py=net.params["ip"]),
            TypeError,
            r"net\.params\['py'\]\[0\]\.data\[\.\.\.\] = array",
        ),
        (assign(lambda net, solver: net, "blobs"), AttributeError, r"\.data\[\.\.\.\]"),
        (assign(lambda net, solver: net, "params"), AttributeError, r"\.data\[\.\.\.\]"),
        (assign(lambda net, solver: net, "layers"), AttributeError, "as the prototxt says"),
        (assign(lambda net, solver: net, "inputs"), AttributeError, "as the prototxt says"),
        (assign(lambda net, solver: net.layers[1], "blobs"), AttributeError, r"\.data\[\.\.\.\]"),
        (assign(lambda net, solver: net.layers[-1], "blobs"), AttributeError, "add_blob"),
        (assign(lambda net, solver: solver, "net"), AttributeError, "solver's prototxt"),
        (assign(lambda net, solver: solver, "test_nets"), AttributeError, "solver's prototxt"),
        (assign(lambda net, solver: solver, "param"), AttributeError, "base_lr"),
        (assign(lambda net, solver: solver, "iter"), AttributeError, "restore"),
    ],
)
def test_what_cannot_be_assigned_says_how_values_are_written_and_stays(solver, do, kind, cure):
    net = solver.net
    before = [b.data.copy() for b in (*net.blobs.values(), *net.params["ip"])]
    with pytest.raises(kind, match=cure) as error:
        do(net, solver)
    assert isinstance(error.value, caffe.CaffeError)
    after = [b.data for b in (*net.blobs.values(), *net.params["ip"])]
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))
    assert len(net.params["ip"]) == 2
    net.forward()


class Careless(caffe.Layer):
    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(2, 3)

    def forward(self, bottom, top):
        if self.param_str == "vector":
            top[0] = ARRAY
        elif self.param_str == "blobs":
            self.blobs = [ARRAY]
        else:
            top[0].data = ARRAY

    def backward(self, top, propagate_down, bottom):
        pass


@pytest.mark.parametrize(
    ("what", "kind"),
    [("vector", TypeError), ("data", AttributeError), ("blobs", AttributeError)],
)
def test_what_a_python_layer_cannot_assign_says_so_too(what, kind):
    net = net_of(
        'layer { name: "py" type: "Python" top: "y" python_param { '
        f'module: "{__name__}" layer: "Careless" param_str: "{what}" }} }}'
    )
    with pytest.raises(kind, match=r"data\[\.\.\.\] = array"):
        net.forward()


def test_a_blob_may_have_a_second_name_and_a_vector_another_blob():
    net = net_of(TEXT)
    net.blobs["alias"] = net.blobs["data"]
    assert net.blobs["alias"] is net.blobs["data"]
    net.params["py"][0] = net.params["ip"][1]
    assert net.layers[-1].blobs[0] is net.params["ip"][1]
    assert list(net.blobs.copy()) == ["data", "ip", "py", "alias"]


# What cannot be pickled or copied, and what can.


@pytest.mark.parametrize("do", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "thing",
    [
        lambda s: s,
        lambda s: s.net,
        lambda s: s.net.blobs["data"],
        lambda s: s.net.params["ip"],
        lambda s: s.net._layer_names,
        lambda s: s.net._inputs,
        lambda s: s.test_nets,
    ],
)
def test_what_is_wrapped_cannot_be_pickled(solver, do, thing):
    with pytest.raises(RuntimeError, match=r"Pickling of \"caffe\._caffe\.\w+\" .*net\.save"):
        do(thing(solver))


def test_what_is_python_is_pickled(solver):
    spec = caffe.NetSpec()
    spec.data = caffe.layers.Input(shape=dict(dim=[1]))
    assert pickle.loads(pickle.dumps(spec)).to_proto() == spec.to_proto()
    made = caffe.io.Transformer({"data": (1, 3, 4, 4)})
    made.set_mean("data", np.ones(3))
    assert pickle.loads(pickle.dumps(made)).inputs == made.inputs
    assert pickle.loads(pickle.dumps(solver.param)) == solver.param
    assert pickle.loads(pickle.dumps(solver.net.inputs)) == ["data"]
