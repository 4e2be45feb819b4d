"""The classifiers that are timed: LeNet, ResNet-50 and MobileNet beside those of `nets`."""

from caffe import NetSpec
from caffe import layers as L
from caffe import params as P
from caffe.net_spec import Top
from caffe.proto import caffe_pb2
from nets import CLASSIFIERS, classifier, resnet
from nets.blocks import inner_product, max_pool, normalised, relu
from nets.inputs import input_layers

CLASSES = 1000
# Of MobileNet's depthwise separable convolutions (Howard et al., 2017): outputs and stride
MOBILENET = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
MOBILENET += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]


def net(name: str, batch: int) -> caffe_pb2.NetParameter:
    """The deploy net of one of NETS, for so many images at once."""
    if name in CLASSIFIERS:
        proto = classifier("deploy", classes=CLASSES, net=name)
    else:
        n = NetSpec()
        size, channels, scores = _OTHERS[name]
        input_layers(n, "deploy", None, size=size, images={"data": channels})
        n.prob = L.Softmax(scores(n))
        proto = n.to_proto()
    proto.layer[0].input_param.shape[0].dim[0] = batch
    return proto


def _lenet(n: NetSpec) -> Top:
    """As caffe/examples/mnist/lenet.prototxt has it."""
    top = n.data
    for number, outputs in ((1, 20), (2, 50)):
        n[f"conv{number}"] = L.Convolution(top, num_output=outputs, kernel_size=5)
        n[f"pool{number}"] = top = max_pool(n[f"conv{number}"], 2)
    n.ip1 = inner_product(top, 500)
    n.ip2 = inner_product(relu(n, "relu1", n.ip1), 10)
    return n.ip2


def _resnet(n: NetSpec) -> Top:
    """Of output stride 8, as FCNs have it."""
    return _averaged(n, resnet.features(n, n.data, 50, 1.0))


def _mobilenet(n: NetSpec) -> Top:
    """Of Caffe's own layers: a convolution that sees one channel has as many groups."""
    top, channels = _normal(n, "conv1", resnet.convolution(n, "conv1", n.data, 32, 3, stride=2)), 32
    for number, (outputs, stride) in enumerate(MOBILENET, 2):
        name = f"conv{number}/dw"
        n[name] = L.Convolution(
            top,
            num_output=channels,
            group=channels,
            kernel_size=3,
            pad=1,
            stride=stride,
            bias_term=False,
        )
        top = _normal(n, name, n[name])
        name = f"conv{number}/sep"
        top = _normal(n, name, resnet.convolution(n, name, top, outputs, 1))
        channels = outputs
    return _averaged(n, top)


def _normal(n: NetSpec, name: str, top: Top) -> Top:
    return relu(n, f"{name}/relu", normalised(n, f"{name}/bn", top))


def _averaged(n: NetSpec, top: Top) -> Top:
    n.average = pooled = L.Pooling(top, pool=P.Pooling.AVE, global_pooling=True)
    n.score = inner_product(pooled, CLASSES)
    return n.score


_OTHERS = {
    "lenet": (28, 1, _lenet),
    "resnet50": (224, 3, _resnet),
    "mobilenet": (224, 3, _mobilenet),
}
NETS = ("lenet", "caffenet", "squeezenet", "googlenet", "resnet50", "mobilenet")
